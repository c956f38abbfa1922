//! FRRConfigurations that MetalLB's speaker left behind when an agent of ours took its place.

use crate::external;
use crate::problem::{FieldPath, Problem, Reason};
use crate::snapshot::Custom;
use herald_crds::frrk8s::FRRConfigurationSpec;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is said of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "MetalLB's speaker of node {node} wrote this: it is ignored, as the agent there plans from the same objects, and is \
     deleted once that has been applied"
)]
pub struct Leftover {
    node: String,
}

/// The stable name.
pub const LEFTOVER: &str = "SpeakerLeftover";

impl Reason for Leftover {
    fn reason(&self) -> &'static str {
        "SpeakerLeftover"
    }
}

/// The node whose speaker wrote the object: it has its name and selects exactly its hostname. Other objects of such a name
/// are somebody's own.
#[must_use]
pub fn leftover_of<'n>(name: &'n str, spec: &FRRConfigurationSpec) -> Option<&'n str> {
    let node = name.strip_prefix(external::PREFIX)?;
    let selector = spec.node_selector.as_ref()?;
    let hostname = BTreeMap::from([(external::HOSTNAME.to_owned(), node.to_owned())]);
    let exactly = selector.match_labels.as_ref() == Some(&hostname)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty);
    exactly.then_some(node)
}

fn of(object: &Custom<FRRConfigurationSpec>) -> Option<&str> {
    leftover_of(&object.meta.object.name, &object.spec)
}

/// Takes them out, and says so.
pub(super) fn take_out(objects: &mut Cow<'_, [Custom<FRRConfigurationSpec>]>, problems: &mut Vec<Problem>) {
    let found = objects.iter().filter_map(|object| {
        let why = Leftover { node: of(object)?.to_owned() };
        Some(Problem::warning(&object.meta.object, FieldPath::default(), &why))
    });
    let found: Vec<Problem> = found.collect();
    if !found.is_empty() {
        objects.to_mut().retain(|object| of(object).is_none());
        problems.extend(found);
    }
}
