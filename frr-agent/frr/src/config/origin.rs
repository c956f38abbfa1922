//! Where statements come from.

use std::fmt;
use std::sync::Arc;

/// Where a statement comes from, in the words of whoever made it: `BGPPeer ns/tor spec.password`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub Arc<str>);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that a statement comes from, sorted, each once; not part of its meaning, so never compared by the diff.
///
/// There are tens of thousands and most have one, so one takes no memory of its own and clones share.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origins(Kept);

#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kept {
    #[default]
    None,
    One(Origin),
    /// Two or more.
    Many(Arc<[Origin]>),
}

impl Origins {
    /// No origin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn of_sorted(mut sorted: Vec<Origin>) -> Self {
        match (sorted.pop(), sorted.is_empty()) {
            (None, _) => Self(Kept::None),
            (Some(only), true) => Self(Kept::One(only)),
            (Some(last), false) => {
                sorted.push(last);
                Self(Kept::Many(sorted.into()))
            }
        }
    }

    fn as_slice(&self) -> &[Origin] {
        match &self.0 {
            Kept::None => &[],
            Kept::One(origin) => std::slice::from_ref(origin),
            Kept::Many(origins) => origins,
        }
    }

    /// All of them, ascending.
    pub fn iter(&self) -> std::slice::Iter<'_, Origin> {
        self.as_slice().iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn contains(&self, origin: &Origin) -> bool {
        self.as_slice().binary_search(origin).is_ok()
    }

    /// Adds one.
    pub fn insert(&mut self, origin: Origin) {
        self.extend([origin]);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl FromIterator<Origin> for Origins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        let mut sorted: Vec<Origin> = origins.into_iter().collect();
        sorted.sort();
        sorted.dedup();
        Self::of_sorted(sorted)
    }
}

impl Extend<Origin> for Origins {
    fn extend<I: IntoIterator<Item = Origin>>(&mut self, origins: I) {
        let mut more = origins.into_iter().filter(|origin| !self.contains(origin)).peekable();
        if more.peek().is_some() {
            let all: Vec<Origin> = self.iter().cloned().chain(more).collect();
            *self = all.into_iter().collect();
        }
    }
}

impl<const N: usize> From<[Origin; N]> for Origins {
    fn from(origins: [Origin; N]) -> Self {
        origins.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Origins {
    type Item = &'a Origin;
    type IntoIter = std::slice::Iter<'a, Origin>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(words: &[&str]) -> Origins {
        words.iter().map(|word| Origin((*word).into())).collect()
    }

    #[test]
    fn they_are_a_sorted_set_however_they_came_together() {
        let mut grown = Origins::new();
        assert!(grown.is_empty());
        for word in ["c", "a", "b", "a"] {
            grown.insert(Origin(word.into()));
        }
        assert_eq!(grown, origins(&["b", "c", "a", "a", "b"]));
        assert_eq!(grown.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(grown.contains(&Origin("b".into())) && !grown.contains(&Origin("d".into())));
        assert_eq!(origins(&["a", "a"]).len(), 1);
        assert_eq!(format!("{:?}", origins(&["a"])), r#"{Origin("a")}"#);
    }
}
