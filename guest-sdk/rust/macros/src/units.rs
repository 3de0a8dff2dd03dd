//! Times and sizes as authors write them: `"1h30m"`, `"64MiB"`.

use syn::LitStr;

/// Milliseconds.
pub(crate) fn duration_ms(text: &LitStr) -> syn::Result<u64> {
    parse(&text.value(), &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]).ok_or_else(
        || syn::Error::new(text.span(), "a time is written like \"500ms\", \"10s\", \"5m\", \"1h30m\" or \"2d\""),
    )
}

/// Bytes.
pub(crate) fn size_bytes(text: &LitStr) -> syn::Result<u64> {
    parse(&text.value(), &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]).ok_or_else(|| {
        syn::Error::new(text.span(), "a size is written like \"64MiB\"; the units are B, KiB, MiB and GiB")
    })
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(digits.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<u64>) {
        let literal = LitStr::new(text, proc_macro2::Span::call_site());
        assert_eq!(duration_ms(&literal).ok(), expect, "{text}");
    }

    #[test]
    fn times() {
        check("10s", Some(10_000));
        check("1h30m", Some(5_400_000));
        check("250ms", Some(250));
        check("2d", Some(172_800_000));
        for wrong in ["", "10", "s", "10 s", "10S", "-1s", "1.5s", "99999999999999999999s", "9999999999999999d"] {
            check(wrong, None);
        }
    }
}
