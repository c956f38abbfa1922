//! Durations as Go writes them (`time.ParseDuration`): `90s`, `1m30s`, `1.5h`, `500ms`, `0`.
//!
//! Not `kube::core::Duration`: that one computes in `f64` and panics on numbers that overflow.

use crate::problem::Reason;
use std::time::Duration;

/// Why a text is no duration that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not of Go's form, negative, or beyond what Go's 64 bits of nanoseconds hold.
    #[error("{0:?} is not a duration such as 90s or 1m30s")]
    Form(String),
    /// A part of a second where only whole ones have a meaning.
    #[error("{0:?} is not a whole number of seconds")]
    SubSecond(String),
}

impl Reason for DurationError {
    fn reason(&self) -> &'static str {
        "InvalidDuration"
    }
}

/// Reads a duration.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let form = || DurationError::Form(text.to_owned());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(form());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(form)?;
        let (value, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let nanos = nanoseconds(value, unit).ok_or_else(form)?;
        total = total.checked_add(nanos).filter(|t| i64::try_from(*t).is_ok()).ok_or_else(form)?;
        rest = tail;
    }
    Ok(Duration::from_nanos(total))
}

/// Reads a duration of whole seconds.
pub fn parse_seconds(text: &str) -> Result<u64, DurationError> {
    let duration = parse(text)?;
    if duration.subsec_nanos() == 0 {
        Ok(duration.as_secs())
    } else {
        Err(DurationError::SubSecond(text.to_owned()))
    }
}

fn nanoseconds(value: &str, unit: &str) -> Option<u64> {
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    // 15 digits below a 42-bit unit stay within 128 bits; later ones are below a nanosecond.
    let digits = fraction.get(..15).unwrap_or(fraction);
    let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
    let part = if digits.is_empty() { 0 } else { digits.parse::<u128>().ok()? };
    let part = u64::try_from(part * u128::from(unit) / scale).ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    whole.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("+3s", 3_000),
            ("1h0m0.250s", 3_600_250),
            ("500ms", 500),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "s", "3", "-3s", "3x", "1..5s", "1.2.3s", ".s", "3 s", "99999999999999999999h", "3000000h"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_seconds("1500ms"), Err(DurationError::SubSecond("1500ms".into())));
        assert_eq!(parse_seconds("1m"), Ok(60));
    }
}
