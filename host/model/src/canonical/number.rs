//! Numbers as ECMAScript writes them (ECMA-262, Number::toString), which RFC 8785 asks for.

use super::Obstacle;

/// Largest integer up to which each integer is a double of its own: 2^53 − 1.
const INTEGER_MAX: i128 = (1 << 53) - 1;
/// Doubles from 10 to this power on are written with an exponent.
const PLAIN_MAX_EXPONENT: i32 = 21;
/// Doubles below 10 to this power are, too.
const PLAIN_MIN_EXPONENT: i32 = -7;

pub(super) fn integer(value: i128) -> Result<String, Obstacle> {
    if value.abs() <= INTEGER_MAX { Ok(value.to_string()) } else { Err(Obstacle::Integer(value.to_string())) }
}

pub(super) fn double(value: f64) -> Result<String, Obstacle> {
    if !value.is_finite() {
        return Err(Obstacle::NotFinite);
    }
    if value == 0.0 {
        return Ok("0".to_owned());
    }
    // The shortest digits that read back as the same double, as `d.ddde±x`.
    let shortest = format!("{:e}", value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let sign = if value < 0.0 { "-" } else { "" };
    // How many digits stand before the point.
    let whole = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);

    let text = if count <= whole && whole <= PLAIN_MAX_EXPONENT {
        let zeros = "0".repeat(usize::try_from(whole - count).unwrap_or(0));
        let text = format!("{sign}{digits}{zeros}");
        return text.parse().map_err(|_| Obstacle::Integer(text)).and_then(integer);
    } else if 0 < whole && whole < count {
        let (before, after) = digits.split_at(usize::try_from(whole).unwrap_or(0));
        format!("{sign}{before}.{after}")
    } else if PLAIN_MIN_EXPONENT < exponent && exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-whole).unwrap_or(0));
        format!("{sign}0.{zeros}{digits}")
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let plus = if exponent > 0 { "+" } else { "" };
        format!("{sign}{first}{point}{rest}e{plus}{exponent}")
    };
    Ok(text)
}
