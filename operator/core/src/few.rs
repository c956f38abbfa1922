//! Lists that nearly always have one element, small: there are thousands of Services, and nearly all have one address.

use std::ops::{Deref, Range};

/// A list, of which one element takes no memory of its own.
#[derive(Debug, Clone)]
pub enum Few<T> {
    /// One.
    One(T),
    /// None, or more than one.
    Several(Box<[T]>),
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::Several(Box::default())
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

impl<T> Few<T> {
    /// Puts others into the place of some; those around them are not touched.
    pub fn replace(&mut self, range: Range<usize>, by: Vec<T>) {
        let mut all = match std::mem::take(self) {
            Self::One(one) => vec![one],
            Self::Several(several) => several.into_vec(),
        };
        // Doubling would waste half of a list with thousands.
        all.reserve_exact(by.len().saturating_sub(range.len()));
        all.splice(range, by);
        *self = all.into();
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut items: Vec<T>) -> Self {
        match items.pop() {
            Some(one) if items.is_empty() => Self::One(one),
            last => {
                items.extend(last);
                Self::Several(items.into())
            }
        }
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn holds_none_one_and_more() {
        for items in [vec![], vec![7], vec![7, 8]] {
            let few: Few<i32> = items.iter().copied().collect();
            assert_eq!(*few, *items);
            assert_eq!(matches!(few, Few::One(_)), items.len() == 1);
        }
        assert!(Few::<i32>::default().is_empty());
    }

    #[test]
    fn replaces_some_and_leaves_the_others() {
        let mut few: Few<i32> = [7].into_iter().collect();
        few.replace(0..1, vec![1, 2, 3]);
        few.replace(1..2, vec![]);
        assert_eq!(*few, [1, 3]);
    }
}
