//! Lists that nearly always have one element, small: there are thousands of Services, and nearly all have one address.

use std::ops::Deref;

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

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items: Vec<T> = items.into_iter().collect();
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
}
