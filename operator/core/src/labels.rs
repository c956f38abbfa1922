//! Labels and annotations, small: there are as many as there are Services.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Labels or annotations, keys ascending.
///
/// A copy is one counter, none of them takes no memory, and texts that objects have in common can be shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Option<Arc<[Label]>>);

/// Key and value.
type Label = (Arc<str>, Arc<str>);

impl Labels {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    fn all(&self) -> &[Label] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let labels = self.all();
        let at = labels.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        labels.get(at).map(|(_, value)| &**value)
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// All keys and values, keys ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().iter().map(|(key, value)| (&**key, &**value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all().len()
    }

    /// How many copies share them.
    pub(crate) fn copies(&self) -> usize {
        self.0.as_ref().map_or(0, Arc::strong_count)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Of several values of one key the last counts.
impl<K: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(labels: I) -> Self {
        let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into()));
        let sorted: BTreeMap<Arc<str>, Arc<str>> = labels.collect();
        Self((!sorted.is_empty()).then(|| sorted.into_iter().collect()))
    }
}

impl<K: Into<Arc<str>>, V: Into<Arc<str>>, const N: usize> From<[(K, V); N]> for Labels {
    fn from(labels: [(K, V); N]) -> Self {
        labels.into_iter().collect()
    }
}

/// As the map that it is in manifests.
impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<Arc<str>, Arc<str>>::deserialize(deserializer).map(|labels| labels.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_by_their_keys_and_the_last_value_counts() {
        let labels = Labels::from([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!((labels.len(), labels.get("b"), labels.get("c")), (2, Some("3"), None));
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert!(labels.contains_key("a") && !labels.is_empty());
    }

    #[test]
    fn they_are_written_as_a_map_and_come_back() {
        for labels in [Labels::new(), Labels::from([("a", "1"), ("b", "")])] {
            let json = serde_json::to_string(&labels).unwrap();
            assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels, "{json}");
        }
        assert_eq!(serde_json::to_string(&Labels::new()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Labels>("{}").unwrap(), Labels::default());
    }
}
