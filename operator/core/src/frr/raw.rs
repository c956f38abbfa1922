//! Hand-written configuration, appended after everything else.

use super::merge::Merged;
use herald_frr::config::{FrrConfig, RawSnippet};

/// Appends the snippets in the order of their priorities, then of their objects' names.
pub(super) fn append(merged: &Merged, config: &mut FrrConfig) {
    let mut parts: Vec<_> = merged.raw.iter().collect();
    parts.sort_by_key(|part| {
        let object = &part.source.object;
        (part.priority, object.name.clone(), object.namespace.clone())
    });
    for part in parts {
        let origins = [part.source.origin.clone()].into();
        config.raw.push(RawSnippet { text: part.text.clone(), origins });
    }
}
