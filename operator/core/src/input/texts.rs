//! Texts that objects repeat, each kept once.

use rustc_hash::FxHashSet;
use std::sync::Arc;

/// A text that more than so many places share is worth knowing: a namespace, a node, a protocol. An object's own name is
/// in fewer, and known by its key.
const COMMON: usize = 32;

/// The one copy of each text.
#[derive(Debug, Clone, Default)]
pub struct Texts(FxHashSet<Arc<str>>);

impl Texts {
    /// The one copy of a text.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what is not in many places: it costs more than it saves.
    pub fn keep_common(&mut self) {
        self.0.retain(|text| Arc::strong_count(text) > COMMON);
        self.0.shrink_to_fit();
    }
}
