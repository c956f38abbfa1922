//! Durations as Go writes them (package time, `ParseDuration`): `1m30s`, `1.5s`, `300ms`.

/// Nanoseconds of a second.
pub(super) const SECOND: i64 = 1_000_000_000;

/// Nanoseconds; `None` where the text is no duration, or one of more than 292 years.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        total = total.checked_add(value(number, factor(unit)?)?)?;
        rest = after;
    }
    let total = i64::try_from(total).ok()?;
    Some(if negative { -total } else { total })
}

fn factor(unit: &str) -> Option<i128> {
    let second = i128::from(SECOND);
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => second,
        "m" => 60 * second,
        "h" => 3_600 * second,
        _ => return None,
    })
}

/// A decimal number of units, in nanoseconds. Digits beyond a nanosecond do not count.
fn value(number: &str, factor: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let fraction: String = fraction.chars().take(15).collect();
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    digits(whole)?.checked_mul(factor)?.checked_add(digits(&fraction)?.checked_mul(factor)? / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let s = SECOND;
        for (text, want) in [
            ("90s", Some(90 * s)),
            ("1m30s", Some(90 * s)),
            ("1.5s", Some(s + s / 2)),
            ("3h", Some(10_800 * s)),
            ("300ms", Some(s / 10 * 3)),
            (".5m", Some(30 * s)),
            ("-2s", Some(-2 * s)),
            ("0", Some(0)),
            ("1us1ns", Some(1_001)),
            ("90", None),
            ("", None),
            ("s", None),
            (".s", None),
            ("1..5s", None),
            ("1d", None),
            ("abc", None),
            ("9999999999999999999999h", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
