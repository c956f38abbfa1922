//! Sets of numbers, kept as maximal runs.

use std::collections::BTreeMap;

/// A set of numbers. Neighbours are merged, so a densely used pool is one run, however large it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Intervals {
    /// First to last number of each run, both included; no two runs touch.
    runs: BTreeMap<u128, u128>,
    count: usize,
}

impl Intervals {
    /// How many numbers are in the set.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether the set is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The run that holds a number.
    fn run_at(&self, number: u128) -> Option<(u128, u128)> {
        let (&start, &end) = self.runs.range(..=number).next_back()?;
        (number <= end).then_some((start, end))
    }

    /// The last number of the run that holds a number; `None` if it is not in the set.
    pub(super) fn end_of_run(&self, number: u128) -> Option<u128> {
        self.run_at(number).map(|(_, end)| end)
    }

    /// The smallest number in the set that is not below the given one.
    pub(super) fn at_or_after(&self, number: u128) -> Option<u128> {
        if self.run_at(number).is_some() {
            return Some(number);
        }
        self.runs.range(number..).next().map(|(&start, _)| start)
    }

    /// The smallest number that is not in the set; `None` if there is none.
    pub(super) fn first_gap(&self) -> Option<u128> {
        self.end_of_run(0).map_or(Some(0), |end| end.checked_add(1))
    }

    /// Adds a number; says whether it is new.
    pub(super) fn insert(&mut self, number: u128) -> bool {
        if self.run_at(number).is_some() {
            return false;
        }
        let start = number.checked_sub(1).and_then(|n| self.run_at(n)).map_or(number, |(start, _)| start);
        let end = number.checked_add(1).and_then(|n| self.runs.remove(&n)).unwrap_or(number);
        self.runs.insert(start, end);
        self.count += 1;
        true
    }

    /// Takes a number out; says whether it was there.
    pub(super) fn remove(&mut self, number: u128) -> bool {
        let Some((start, end)) = self.run_at(number) else { return false };
        self.runs.remove(&start);
        if start < number {
            self.runs.insert(start, number - 1);
        }
        if number < end {
            self.runs.insert(number + 1, end);
        }
        self.count -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_ends_of_the_number_space_are_ordinary_members() {
        let mut set = Intervals::default();
        assert!(set.insert(u128::MAX) && set.insert(0));
        assert_eq!((set.first_gap(), set.at_or_after(1)), (Some(1), Some(u128::MAX)));
        assert!(set.remove(u128::MAX) && !set.remove(u128::MAX));
        assert_eq!(set.at_or_after(1), None);
    }

    proptest! {
        #[test]
        fn equals_a_plain_set(steps in prop::collection::vec((any::<bool>(), 0_u128..24), 0..80)) {
            let (mut runs, mut plain) = (Intervals::default(), BTreeSet::new());
            for (add, number) in steps {
                if add {
                    prop_assert_eq!(runs.insert(number), plain.insert(number));
                } else {
                    prop_assert_eq!(runs.remove(number), plain.remove(&number));
                }
                prop_assert_eq!(runs.len(), plain.len());
                prop_assert_eq!(runs.first_gap(), (0..26).find(|n| !plain.contains(n)));
                for n in 0..26 {
                    prop_assert_eq!(runs.at_or_after(n), plain.range(n..).next().copied());
                    prop_assert_eq!(runs.end_of_run(n).is_some(), plain.contains(&n));
                }
                let touching = runs.runs.values().any(|end| runs.runs.contains_key(&(end + 1)));
                prop_assert!(!touching, "runs that touch must be one");
            }
        }
    }
}
