//! Types as people read them: `list<string>`, `{name: string, size?: integer}`, `"a" | "b" | null`.

use std::fmt;

use super::Type;

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Blob => f.write_str("blob"),
            Self::Enum(values) => separated(f, " | ", values, |f, value| write!(f, "{value}")),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Sequence(item) => write!(f, "sequence<{item}>"),
            Self::Map(value) => write!(f, "map<{value}>"),
            Self::Object(members) => {
                f.write_str("{")?;
                separated(f, ", ", members, |f, (name, member)| {
                    write!(f, "{name}{}: {}", if member.optional { "?" } else { "" }, member.ty)
                })?;
                f.write_str("}")
            }
            Self::Union(types) => separated(f, " | ", types, |f, ty| write!(f, "{ty}")),
        }
    }
}

/// Items with a separator between them; `never` where there are none, the type without values.
fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        each(f, item)?;
    }
    Ok(())
}
