//! What all attributes read: documentation comments and options of the form `name = value`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Meta, Token, UnOp};

/// `name = value`.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Self { name, value: input.parse()? })
    }
}

/// A list of settings, none of them twice.
pub(crate) struct Settings(pub(crate) Vec<Setting>);

impl Parse for Settings {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let settings: Vec<Setting> = Punctuated::<_, Token![,]>::parse_terminated(input)?.into_iter().collect();
        for (position, setting) in settings.iter().enumerate() {
            if settings[..position].iter().any(|earlier| earlier.name == setting.name) {
                return Err(syn::Error::new(setting.name.span(), format!("`{}` is set twice", setting.name)));
            }
        }
        Ok(Self(settings))
    }
}

impl Setting {
    pub(crate) fn string(&self) -> syn::Result<&LitStr> {
        match &self.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
            other => Err(syn::Error::new_spanned(other, format!("`{}` is a text: \"…\"", self.name))),
        }
    }

    pub(crate) fn strings(&self) -> syn::Result<Vec<LitStr>> {
        let wrong =
            || syn::Error::new_spanned(&self.value, format!("`{}` is a list of texts: [\"…\", \"…\"]", self.name));
        let Expr::Array(array) = &self.value else { return Err(wrong()) };
        array
            .elems
            .iter()
            .map(|item| match item {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
                _ => Err(wrong()),
            })
            .collect()
    }

    pub(crate) fn number(&self) -> syn::Result<u32> {
        match &self.value {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse(),
            other => Err(syn::Error::new_spanned(other, format!("`{}` is a whole number", self.name))),
        }
    }

    /// A whole number that may be below zero.
    pub(crate) fn signed_number(&self) -> syn::Result<i32> {
        let (sign, value) = match &self.value {
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (-1, &**expr),
            value => (1, value),
        };
        match value {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Ok(sign * number.base10_parse::<i32>()?),
            other => Err(syn::Error::new_spanned(other, format!("`{}` is a whole number", self.name))),
        }
    }

    pub(crate) fn flag(&self) -> syn::Result<bool> {
        match &self.value {
            Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Ok(flag.value),
            other => Err(syn::Error::new_spanned(other, format!("`{}` is true or false", self.name))),
        }
    }

    /// A number from `least` to `most`, in thousandths.
    pub(crate) fn milli(&self, least: u32, most: u32) -> syn::Result<u32> {
        let wrong =
            || syn::Error::new_spanned(&self.value, format!("`{}` is a number from {least} to {most}", self.name));
        let factor: f64 = match &self.value {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse()?,
            Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse()?,
            _ => return Err(wrong()),
        };
        let range = f64::from(least)..=f64::from(most);
        if range.contains(&factor) { Ok((factor * 1000.0).round() as u32) } else { Err(wrong()) }
    }

    /// One of these words, as the variant of an enum that is named after it.
    pub(crate) fn word(&self, words: &[&str]) -> syn::Result<Ident> {
        variant(self.string()?, &self.name, words)
    }

    /// Several of these words.
    pub(crate) fn words(&self, words: &[&str]) -> syn::Result<Vec<Ident>> {
        self.strings()?.iter().map(|text| variant(text, &self.name, words)).collect()
    }

    /// An id by the grammar of tasks, DAGs and bodies.
    pub(crate) fn id(&self) -> syn::Result<&LitStr> {
        let text = self.string()?;
        self.check_id(text)?;
        Ok(text)
    }

    /// Several of them.
    pub(crate) fn ids(&self) -> syn::Result<Vec<LitStr>> {
        let texts = self.strings()?;
        texts.iter().try_for_each(|text| self.check_id(text))?;
        Ok(texts)
    }

    fn check_id(&self, text: &LitStr) -> syn::Result<()> {
        let id = text.value();
        let legal = id.len() <= 250
            && id.starts_with(|c: char| c.is_ascii_alphanumeric())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if legal {
            return Ok(());
        }
        Err(syn::Error::new(
            text.span(),
            format!("`{}` starts with a letter or digit, then A-Z, a-z, 0-9, '_', '.' and '-', at most 250", self.name),
        ))
    }

    pub(crate) fn unknown(&self, known: &str) -> syn::Error {
        syn::Error::new(self.name.span(), format!("there is no option `{}`; there are {known}", self.name))
    }
}

fn variant(text: &LitStr, name: &Ident, words: &[&str]) -> syn::Result<Ident> {
    let value = text.value();
    if !words.contains(&value.as_str()) {
        let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        return Err(syn::Error::new(text.span(), format!("`{name}` is one of {}", words.join(", "))));
    }
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    Ok(Ident::new(&value.split('_').map(capital).collect::<String>(), text.span()))
}

/// The text of the documentation comments, without their common first space.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
