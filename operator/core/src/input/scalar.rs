//! What a plain scalar means.
//!
//! Kubernetes reads manifests with sigs.k8s.io/yaml, a YAML 1.1 reader: `yes`, `on` and `off` are booleans,
//! `0x10` and `010` are integers. Reading them otherwise would accept what `kubectl apply` refuses, or the
//! other way round. Base 60 integers and timestamps stay text there, and so they do here.

use super::tree::Value;
use std::borrow::Cow;

/// 2^53: below it every integer has its own double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value of a scalar that is written without quotes and without a tag.
pub fn resolve(text: Cow<'_, str>) -> Value<'_> {
    match text.as_bytes().first() {
        None | Some(b'~' | b'n' | b'N') if is_null(&text) => Value::Null,
        Some(b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'n' | b'N' | b'o' | b'O') => {
            boolean(&text).map_or(Value::Text(text), Value::Bool)
        }
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number(&text).unwrap_or(Value::Text(text)),
        _ => Value::Text(text),
    }
}

/// The value of a scalar with a tag of YAML's core schema.
pub fn resolve_tagged<'a>(text: Cow<'a, str>, tag: &str) -> Value<'a> {
    match tag {
        "str" => Value::Text(text),
        "float" => float(&text).map_or(Value::Text(text), Value::Float),
        _ => resolve(text),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn number<'a>(text: &str) -> Option<Value<'a>> {
    if let Some(integer) = integer(text) {
        return Some(Value::Int(integer));
    }
    let number = float(text)?;
    // The way to JSON writes `1e3` as 1000, so it is as good an integer as any.
    #[expect(clippy::cast_possible_truncation, reason = "integral, and small enough to be exact")]
    let value = if number.fract() == 0.0 && number.abs() < EXACT {
        Value::Int(number as i64)
    } else {
        Value::Float(number)
    };
    Some(value)
}

fn integer(text: &str) -> Option<i64> {
    let plain: Cow<'_, str> =
        if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, &plain[..]),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // `from_str_radix` would take a second sign.
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

fn float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    // Rust also parses `inf` and `nan`; YAML does not.
    let shape = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let digit = text.bytes().any(|b| b.is_ascii_digit());
    if shape && digit { text.parse().ok() } else { None }
}
