//! Rules of admission, one by one and together.

mod recent;
mod rules;
mod together;

use super::{Operation, Options, Request, Reviewer, Verdict};
use crate::input::{self, SourceText};
use crate::snapshot::Snapshot;
use serde_json::Value;

/// What is there: one node per rack, and manifests.
pub(super) fn cluster(manifests: &str) -> Snapshot {
    let node = |rack: u8| {
        format!(
            "---\n{{apiVersion: v1, kind: Node, metadata: {{name: node-{rack}, labels: {{rack: \"{rack}\"}}}}}}\n"
        )
    };
    let text = format!("{}{}{manifests}", node(1), node(2));
    let source = SourceText { file: "cluster.yaml".into(), text: text.into() };
    let parsed = input::parse(&[source], &input::Options::default());
    assert_eq!(parsed.problems, [], "{manifests}");
    parsed.snapshot
}

/// A manifest in flow style.
pub(super) fn object(version: &str, kind: &str, name: &str, spec: &str) -> String {
    let group = if kind == "FRRConfiguration" { "frrk8s.metallb.io" } else { "metallb.io" };
    format!(
        "---\n{{apiVersion: {group}/{version}, kind: {kind}, metadata: {{name: {name}, namespace: metallb-system}}, spec: {{{spec}}}}}\n"
    )
}

pub(super) fn pool(name: &str, addresses: &str) -> String {
    object("v1beta1", "IPAddressPool", name, &format!("addresses: [{addresses}]"))
}

pub(super) fn peer(name: &str, address: &str, more: &str) -> String {
    let spec = format!("myASN: 64512, peerASN: 64513, peerAddress: {address}{more}");
    object("v1beta2", "BGPPeer", name, &spec)
}

pub(super) fn value(manifest: &str) -> Value {
    serde_yaml::from_str(manifest.trim_start_matches("---\n")).unwrap()
}

/// A request for the object of a manifest.
pub(super) fn request<'a>(
    operation: Operation,
    object: Option<&'a Value>,
    old: Option<&'a Value>,
) -> Request<'a> {
    let about = object.or(old).unwrap();
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    Request {
        operation,
        kind: text(&about["kind"]),
        namespace: text(&about["metadata"]["namespace"]),
        name: text(&about["metadata"]["name"]),
        object,
        old,
        dry_run: false,
    }
}

pub(super) fn options() -> Options {
    Options { namespace: Some("metallb-system".into()), ..Options::default() }
}

pub(super) fn create(snapshot: &Snapshot, manifest: &str) -> Verdict {
    let object = value(manifest);
    super::review(snapshot, &request(Operation::Create, Some(&object), None), &options())
}

pub(super) fn update(snapshot: &Snapshot, old: &str, new: &str) -> Verdict {
    let (old, new) = (value(old), value(new));
    super::review(snapshot, &request(Operation::Update, Some(&new), Some(&old)), &options())
}

pub(super) fn delete(snapshot: &Snapshot, manifest: &str) -> Verdict {
    let old = value(manifest);
    super::review(snapshot, &request(Operation::Delete, None, Some(&old)), &options())
}

pub(super) fn reasons(verdict: &Verdict) -> Vec<&'static str> {
    verdict.errors.iter().map(|problem| problem.reason).collect()
}

pub(super) fn reviewer(snapshot: &Snapshot) -> Reviewer {
    Reviewer::new(snapshot, &options())
}
