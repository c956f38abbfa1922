//! What MetalLB left behind: objects of its speakers, and the `ConfigMap` of its frr mode.

use crate::frr;
use crate::input::{self, SourceText, parse};
use crate::model::{InForce, Model, Options};
use herald_frr::render::{RenderOptions, render};
use std::collections::BTreeMap;

const NODE: &str =
    "{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}}\n---\n";

fn speaker(name: &str, selector: &str) -> String {
    format!(
        "---\n{{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRConfiguration, metadata: {{name: {name}, namespace: m}}, \
         spec: {{nodeSelector: {selector}, bgp: {{routers: [{{asn: 64500, neighbors: [{{address: 192.0.2.1, asn: \
         64501}}]}}]}}}}}}\n"
    )
}

/// `frr.conf` of n1, and the reasons of what is said.
pub(super) fn told(
    manifests: &str,
    ignore_leftovers: bool,
    namespace: Option<&str>,
) -> (String, Vec<&'static str>) {
    let source = SourceText { file: "all.yaml".into(), text: (NODE.to_owned() + manifests).into() };
    let options = input::Options { namespace: namespace.map(Into::into) };
    let parsed = parse(&[source], &options);
    let options = Options { ignore_leftovers, ..Options::default() };
    let built = Model::build(&parsed.snapshot, &InForce::default(), &options);
    let (config, problems) =
        frr::build(&built.model, &built.model.nodes["n1"], &[], &BTreeMap::new(), &frr::Options::default());
    let all = parsed.problems.iter().chain(&built.problems).chain(&problems);
    (render(&config, &RenderOptions::default()), all.map(|problem| problem.reason).collect())
}

#[test]
fn what_a_speaker_wrote_is_ignored_where_an_agent_takes_its_place() {
    let exactly = speaker("metallb-n1", "{matchLabels: {kubernetes.io/hostname: n1}}");
    let (text, said) = told(&exactly, true, None);
    assert!(!text.contains("192.0.2.1"), "{text}");
    assert_eq!(said, ["SpeakerLeftover"]);
    let (text, said) = told(&exactly, false, None);
    assert!(text.contains("neighbor 192.0.2.1"), "{text}");
    assert_eq!(said, [""; 0]);
    let other = speaker("metallb-n2", "{matchLabels: {kubernetes.io/hostname: n2}}");
    assert_eq!(told(&other, true, None).1, ["SpeakerLeftover"], "every agent ignores every one");
}

#[test]
fn objects_that_only_look_like_it_count() {
    for (name, selector) in [
        ("metallb-n1", "{matchLabels: {kubernetes.io/hostname: n1, rack: a}}"),
        ("metallb-extra", "{matchLabels: {kubernetes.io/hostname: n1}}"),
        ("metallb-n1", "{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n1]}]}"),
        ("metallb-n1", "{}"),
        ("n1", "{matchLabels: {kubernetes.io/hostname: n1}}"),
    ] {
        let (_, said) = told(&speaker(name, selector), true, None);
        assert!(!said.contains(&"SpeakerLeftover"), "{name} {selector}");
    }
}

fn extras(namespace: &str, text: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bgpextras, namespace: {namespace}}}\ndata: {{extras: {text:?}}}\n"
    )
}

#[test]
fn bgpextras_comes_before_all_other_raw_configuration() {
    let raw = "---\n{apiVersion: frrk8s.metallb.io/v1beta1, kind: FRRConfiguration, metadata: {name: a, namespace: m}, \
               spec: {raw: {priority: -1000, rawConfig: 'ip prefix-list second seq 5 permit any'}}}\n";
    let text = extras("m", "ip prefix-list first seq 5 permit any\nip prefix-list too seq 5 permit any\n");
    let (text, said) = told(&(raw.to_owned() + &text), true, Some("m"));
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
    assert!(
        at("prefix-list first") < at("prefix-list too") && at("prefix-list too") < at("prefix-list second")
    );
    assert_eq!(said, ["DeprecatedBGPExtras"]);
}

#[test]
fn bgpextras_of_other_namespaces_is_none_of_our_business() {
    let (text, said) = told(&extras("shop", "ip prefix-list first seq 5 permit any"), true, Some("m"));
    assert!(!text.contains("prefix-list first"), "{text}");
    assert_eq!(said, [""; 0]);
}

#[test]
fn bgpextras_follows_the_rules_of_raw_configuration() {
    let text = "route-map x permit 10\n set tag 2147483700\n";
    let (text, said) = told(&extras("m", text), true, None);
    assert!(!text.contains("2147483700"), "{text}");
    assert_eq!(said, ["DeprecatedBGPExtras", "RawUsesReservedTag"]);
}
