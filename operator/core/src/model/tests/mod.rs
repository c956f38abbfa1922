//! The rules, one line each: an object, and the field and reason of what is wrong with it.

mod advertisements;
mod commit_confirmed;
mod in_force;
mod leftovers;
mod nodes;
mod peers;
mod pools;
mod properties;
mod services;
mod settings;
mod warnings;

use super::{Built, InForce, Model, Options};
use crate::input::{self, SourceText};
use crate::problem::{ObjectRef, Problem, Severity};
use crate::snapshot::{Custom, Labels, Meta, Snapshot};

/// The Snapshot of some documents; they must be readable.
pub fn snapshot(yaml: &str) -> Snapshot {
    let text = SourceText { file: "test.yaml".into(), text: yaml.into() };
    let parsed = input::parse(&[text], &input::Options::default());
    let errors: Vec<_> = parsed.problems.iter().filter(|p| p.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "the test's own manifests are wrong: {errors:#?}");
    parsed.snapshot
}

/// The Model of some documents, with nothing in force before.
pub fn build(yaml: &str) -> Built {
    Model::build(&snapshot(yaml), &InForce::default(), &Options::default())
}

/// `Kind name field Reason` of each problem of a severity.
pub fn lines(problems: &[Problem], severity: Severity) -> Vec<String> {
    let line = |problem: &Problem| {
        let object = problem.object.as_ref().expect("a model's problem names its object");
        format!("{} {} {} {}", object.kind, object.name, problem.field, problem.reason)
    };
    problems.iter().filter(|p| p.severity == severity).map(line).collect()
}

/// The errors of some documents.
pub fn errors(yaml: &str) -> Vec<String> {
    lines(&build(yaml).problems, Severity::Error)
}

/// The warnings of some documents.
pub fn warnings(yaml: &str) -> Vec<String> {
    lines(&build(yaml).problems, Severity::Warning)
}

/// A Snapshot of one object whose values no schema has seen, as an older API server may send it.
fn unchecked(kind: &'static str, spec: &str) -> Snapshot {
    fn custom<S: serde::de::DeserializeOwned>(kind: &'static str, spec: &str) -> Vec<Custom<S>> {
        let object = ObjectRef { kind, namespace: "m".into(), name: "a".into() };
        let (labels, annotations) = (Labels::new(), Labels::new());
        let meta = Meta { object, labels, annotations, created: "".into(), generation: 0 };
        let spec = serde_yaml::from_str(spec).unwrap_or_else(|why| panic!("{spec}: {why}"));
        vec![Custom { meta, spec }]
    }
    let mut snapshot = Snapshot::default();
    match kind {
        "IPAddressPool" => snapshot.pools = custom(kind, spec),
        "L2Advertisement" => snapshot.l2_advertisements = custom(kind, spec),
        "BGPAdvertisement" => snapshot.bgp_advertisements = custom(kind, spec),
        "BGPPeer" => snapshot.peers = custom(kind, spec),
        "BFDProfile" => snapshot.bfd_profiles = custom(kind, spec),
        _ => snapshot.communities = custom(kind, spec),
    }
    snapshot
}

/// Holds each spec of a kind to the errors `field Reason` that it must have, and to a fragment of the
/// first one's message.
pub fn check(kind: &'static str, rules: &[(&str, &[&str], &str)]) {
    for (spec, expected, fragment) in rules {
        let problems =
            Model::build(&unchecked(kind, spec), &InForce::default(), &Options::default()).problems;
        let prefix = format!("{kind} a ");
        let found: Vec<String> =
            lines(&problems, Severity::Error).iter().map(|l| l.replacen(&prefix, "", 1)).collect();
        assert_eq!(found, *expected, "{spec}\n{problems:#?}");
        let message = problems.iter().find(|p| p.severity == Severity::Error).map_or("", |p| &p.message);
        assert!(message.contains(fragment), "{spec}\nmessage: {message}\nwanted:  {fragment}");
    }
}

/// One object as a document.
pub fn object(kind: &str, version: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: metallb.io/{version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: m}}\nspec: {spec}\n"
    )
}

/// A pool.
pub fn pool(name: &str, addresses: &str) -> String {
    object("IPAddressPool", "v1beta1", name, &format!("{{addresses: [{addresses}]}}"))
}

/// A BGPAdvertisement.
pub fn bgp(name: &str, spec: &str) -> String {
    object("BGPAdvertisement", "v1beta1", name, spec)
}

/// A BGPPeer of AS 64513 at an address, in AS 64512, with more fields.
pub fn peer(name: &str, address: &str, more: &str) -> String {
    let spec = format!("{{myASN: 64512, peerASN: 64513, peerAddress: {address}{more}}}");
    object("BGPPeer", "v1beta2", name, &spec)
}

/// A Node with labels.
pub fn node(name: &str, labels: &str) -> String {
    format!("---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n")
}
