//! A sorted map for many entries of which few change at a time.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

/// Entries of a chunk when a map is made, and at most.
const USUAL: usize = 48;
const FULL: usize = 64;

type Chunk<K, V> = Arc<Vec<(K, V)>>;

/// A sorted map whose clones share all that they have in common.
///
/// A clone costs a counter per 48 entries, an edit the copy of one chunk, and [`Self::changes`] and `==` between a
/// map and an edited clone of it cost what was edited. No chunk is empty; keys ascend over all chunks.
#[derive(Clone)]
pub struct SharedMap<K, V> {
    chunks: Vec<Chunk<K, V>>,
    len: usize,
}

/// Iterates over the entries of a chunk.
type OfChunk<'a, K, V> = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

/// Iterates over a [`SharedMap`], keys ascending.
pub type Iter<'a, K, V> = std::iter::FlatMap<
    std::slice::Iter<'a, Chunk<K, V>>,
    OfChunk<'a, K, V>,
    fn(&'a Chunk<K, V>) -> OfChunk<'a, K, V>,
>;

/// What became of a key between two maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a, K, V> {
    /// The key.
    pub key: &'a K,
    /// What it had before; `None` for a new key.
    pub before: Option<&'a V>,
    /// What it has after; `None` for a key that is gone.
    pub after: Option<&'a V>,
}

impl<K, V> SharedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, keys ascending.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(key, value)| (key, value)))
    }

    /// All keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

impl<K: Ord, V> SharedMap<K, V> {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let at = chunk.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        chunk.get(at).map(|(_, value)| value)
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Entries from the first key that is not below `first`, ascending.
    pub fn from_key<'a>(&'a self, first: &K) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
        let chunk = self.chunk_of(first);
        let skipped = self.chunks.get(chunk).map_or(0, |c| c.partition_point(|(key, _)| key < first));
        let chunks = self.chunks.iter().skip(chunk).flat_map(|chunk| chunk.iter());
        chunks.skip(skipped).map(|(key, value)| (key, value))
    }

    /// The first chunk whose last key is not below `key`: the one that has it, if any has.
    fn chunk_of(&self, key: &K) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|(last, _)| last < key))
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// Sets the value of a key and returns the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        // A key above all others goes to the end of the last chunk.
        let at = self.chunk_of(&key).min(self.chunks.len().saturating_sub(1));
        let Some(shared) = self.chunks.get_mut(at) else {
            self.chunks.push(Arc::new(vec![(key, value)]));
            self.len = 1;
            return None;
        };
        let chunk = Arc::make_mut(shared);
        match chunk.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(found) => chunk.get_mut(found).map(|entry| std::mem::replace(&mut entry.1, value)),
            Err(place) => {
                if chunk.len() == chunk.capacity() {
                    // Doubling would waste half of what there are thousands of.
                    chunk.reserve_exact(8);
                }
                chunk.insert(place, (key, value));
                self.len += 1;
                if chunk.len() > FULL {
                    let upper = chunk.split_off(FULL / 2);
                    self.chunks.insert(at + 1, Arc::new(upper));
                }
                None
            }
        }
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.chunk_of(key);
        let shared = self.chunks.get_mut(at)?;
        let found = shared.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        let chunk = Arc::make_mut(shared);
        let (_, value) = chunk.remove(found);
        let left = chunk.len();
        self.len -= 1;
        if left == 0 {
            self.chunks.remove(at);
        } else if let Some(next) = self.chunks.get(at + 1)
            && left + next.len() <= USUAL
        {
            let next = self.chunks.remove(at + 1);
            if let Some(shared) = self.chunks.get_mut(at) {
                Arc::make_mut(shared).extend(next.iter().cloned());
            }
        }
        Some(value)
    }

    /// All values, to be changed; copies every chunk that is shared.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.chunks.iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut().map(|(_, value)| value))
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.chunk_of(key);
        let shared = self.chunks.get_mut(at)?;
        let found = shared.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        Arc::make_mut(shared).get_mut(found).map(|entry| &mut entry.1)
    }
}

impl<K: Ord, V: PartialEq> SharedMap<K, V> {
    /// What an edit of this map that gave `after` has changed, keys ascending.
    ///
    /// Chunks that both share are passed over by their address.
    #[must_use]
    pub fn changes<'a>(&'a self, after: &'a Self) -> Vec<Change<'a, K, V>> {
        let (mut old, mut new) = (Cursor::new(self), Cursor::new(after));
        let mut changes = Vec::new();
        while let Some(pair) = next_pair(&mut old, &mut new) {
            match pair {
                (Some((key, before)), None) => {
                    changes.push(Change { key, before: Some(before), after: None });
                }
                (None, Some((key, after))) => {
                    changes.push(Change { key, before: None, after: Some(after) });
                }
                (Some((_, before)), Some((key, after))) if before != after => {
                    changes.push(Change { key, before: Some(before), after: Some(after) });
                }
                _ => {}
            }
        }
        changes
    }
}

/// An entry of each map if both have its key, else of the one that has it.
type Pair<'a, K, V> = (Option<(&'a K, &'a V)>, Option<(&'a K, &'a V)>);

/// The next key in either map, past everything that both share.
fn next_pair<'a, K: Ord, V>(
    old: &mut Cursor<'a, K, V>,
    new: &mut Cursor<'a, K, V>,
) -> Option<Pair<'a, K, V>> {
    while let (Some(a), Some(b)) = (old.whole_chunk(), new.whole_chunk())
        && Arc::ptr_eq(a, b)
    {
        old.chunk += 1;
        new.chunk += 1;
    }
    let (a, b) = (old.peek(), new.peek());
    let order = match (a, b) {
        (None, None) => return None,
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (Some((a, _)), Some((b, _))) => a.cmp(b),
    };
    let a = a.filter(|_| order.is_le());
    let b = b.filter(|_| order.is_ge());
    if a.is_some() {
        old.step();
    }
    if b.is_some() {
        new.step();
    }
    Some((a, b))
}

/// A place between two entries of a map.
struct Cursor<'a, K, V> {
    chunks: &'a [Chunk<K, V>],
    chunk: usize,
    entry: usize,
}

impl<'a, K, V> Cursor<'a, K, V> {
    fn new(map: &'a SharedMap<K, V>) -> Self {
        Self { chunks: &map.chunks, chunk: 0, entry: 0 }
    }

    /// The chunk of which nothing has been passed yet.
    fn whole_chunk(&self) -> Option<&'a Chunk<K, V>> {
        self.chunks.get(self.chunk).filter(|_| self.entry == 0)
    }

    fn peek(&self) -> Option<(&'a K, &'a V)> {
        self.chunks.get(self.chunk)?.get(self.entry).map(|(key, value)| (key, value))
    }

    fn step(&mut self) {
        self.entry += 1;
        if self.chunks.get(self.chunk).is_some_and(|chunk| self.entry >= chunk.len()) {
            self.chunk += 1;
            self.entry = 0;
        }
    }
}

impl<K: Ord, V: PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        let (mut old, mut new) = (Cursor::new(self), Cursor::new(other));
        if self.len != other.len {
            return false;
        }
        while let Some((a, b)) = next_pair(&mut old, &mut new) {
            if a.map(|(_, value)| value) != b.map(|(_, value)| value) {
                return false;
            }
        }
        true
    }
}

impl<K: Ord, V: Eq> Eq for SharedMap<K, V> {}

/// As `BTreeMap` has it: there must be such a key.
impl<K: Ord, V> std::ops::Index<&K> for SharedMap<K, V> {
    type Output = V;

    fn index(&self, key: &K) -> &V {
        let chunk = &self.chunks[self.chunk_of(key)];
        let at = chunk.partition_point(|(known, _)| known < key);
        assert!(chunk[at].0 == *key, "no such key");
        &chunk[at].1
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SharedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Of several entries of one key the last counts.
impl<K: Ord, V> FromIterator<(K, V)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut sorted: Vec<(K, V)> = entries.into_iter().collect();
        if !sorted.is_sorted_by(|(a, _), (b, _)| a < b) {
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            sorted.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(later, kept);
                }
                same
            });
        }
        let len = sorted.len();
        let mut chunks = Vec::with_capacity(len.div_ceil(USUAL));
        let mut rest = sorted.into_iter();
        while rest.len() > 0 {
            let mut chunk = Vec::with_capacity(rest.len().min(USUAL));
            chunk.extend(rest.by_ref().take(USUAL));
            chunks.push(Arc::new(chunk));
        }
        Self { chunks, len }
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SharedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Ord + Clone, V: Clone> Extend<(K, V)> for SharedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<'a, K, V> IntoIterator for &'a SharedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K: Clone, V: Clone> IntoIterator for SharedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let chunks = self.chunks.into_iter().map(Arc::unwrap_or_clone);
        chunks.flatten().collect::<Vec<_>>().into_iter()
    }
}
