//! Reading JSON whose fields change from release to release.

use super::ShowError;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// How much of an answer an error shows.
const START: usize = 80;

/// For `#[serde(default, deserialize_with = "lenient")]`: a value of another type counts as missing.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Expected(T),
        Other(IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Expected(value) => Some(value),
        Either::Other(_) => None,
    })
}

/// The same within a list or a map.
#[derive(Debug, Deserialize)]
#[serde(transparent, bound = "T: Deserialize<'de>")]
pub(super) struct Maybe<T>(#[serde(deserialize_with = "lenient")] pub(super) Option<T>);

/// The keys of an object, without keeping what stands behind them: an adj-RIB-out can be long.
#[derive(Debug, Default)]
pub(super) struct Keys<K>(pub(super) BTreeSet<K>);

impl<'de, K: FromStr + Ord> Deserialize<'de> for Keys<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor(PhantomData))
    }
}

struct KeysVisitor<K>(PhantomData<K>);

impl<'de, K: FromStr + Ord> Visitor<'de> for KeysVisitor<K> {
    type Value = Keys<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Keys that are not of the wanted form are passed over.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys<K>, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, IgnoredAny)) = map.next_entry::<Cow<'_, str>, IgnoredAny>()? {
            keys.extend(key.parse::<K>());
        }
        Ok(Keys(keys))
    }
}

/// Reads an answer; a warning of FRR in its place is [`ShowError::Warned`].
pub(super) fn read<T: DeserializeOwned>(answer: &str) -> Result<T, ShowError> {
    match warning(answer) {
        Some(warning) => Err(ShowError::Warned(warning)),
        None => serde_json::from_str(answer).map_err(|why| unreadable(answer, &why.to_string())),
    }
}

/// An error that shows the first words of the answer.
pub(super) fn unreadable(answer: &str, why: &str) -> ShowError {
    ShowError::Unreadable { why: why.to_owned(), start: answer.trim().chars().take(START).collect() }
}

/// `{"warning": ...}`, the same in another pair of brackets (FRR 10.3), or a line `% ...`.
fn warning(answer: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Warning {
        warning: String,
    }
    let answer = answer.trim();
    if let Some(text) = answer.strip_prefix('%') {
        return Some(text.trim().to_owned());
    }
    // Spares reading long answers twice: a warning is short.
    if answer.len() > 1024 {
        return None;
    }
    let inner = || answer.strip_prefix('{')?.strip_suffix('}').map(str::trim);
    let found = |text: &str| serde_json::from_str::<Warning>(text).ok().map(|found| found.warning);
    found(answer).or_else(|| found(inner()?))
}
