//! What objects repeat, each kept once: texts, labels, ports, what Services ask for.

use crate::snapshot::{Asks, Labels, Ports};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// What more than so many places share is worth knowing: a namespace, a node, a protocol. An object's own name is in
/// fewer, and known by its key.
const COMMON: usize = 32;

/// The one copy of each.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    words: FxHashSet<Arc<str>>,
    labels: FxHashSet<Labels>,
    ports: FxHashSet<Ports>,
    asks: FxHashSet<Arc<Asks>>,
}

impl Texts {
    /// The one copy of a text.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.words.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.words.insert(new.clone());
        new
    }

    /// The one copy of labels or annotations.
    pub fn labels(&mut self, labels: Labels) -> Labels {
        if let Some(known) = self.labels.get(&labels) {
            return known.clone();
        }
        if !labels.is_empty() {
            self.labels.insert(labels.clone());
        }
        labels
    }

    /// The one copy of a Service's ports.
    pub fn ports(&mut self, ports: Vec<(Arc<str>, u16)>) -> Ports {
        if let Some(known) = self.ports.get(&ports[..]) {
            return known.clone();
        }
        let new: Ports = ports.into();
        self.ports.insert(new.clone());
        new
    }

    /// The one copy of what Services ask for.
    pub fn asks(&mut self, asks: Asks) -> Arc<Asks> {
        if let Some(known) = self.asks.get(&asks) {
            return known.clone();
        }
        let new = Arc::new(asks);
        self.asks.insert(new.clone());
        new
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.len() + self.labels.len() + self.ports.len() + self.asks.len()
    }

    /// Forgets what is not in many places: it costs more than it saves.
    pub fn keep_common(&mut self) {
        // What shares texts goes first.
        self.labels.retain(|labels| labels.copies() > COMMON);
        self.labels.shrink_to_fit();
        self.ports.retain(|ports| Arc::strong_count(ports) > COMMON);
        self.ports.shrink_to_fit();
        self.asks.retain(|asks| Arc::strong_count(asks) > COMMON);
        self.asks.shrink_to_fit();
        self.words.retain(|text| Arc::strong_count(text) > COMMON);
        self.words.shrink_to_fit();
    }
}
