//! Hand-written lines that FRR was seen to keep word for word.

use super::*;
use crate::config::{Origin, RawSnippet};
use crate::value::RawConfig;
use std::collections::BTreeSet;

const RUNS: &str = "frr version 10.3\nrouter bgp 65000\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
    bgp graceful-restart preserve-fw-state\n coalesce-time 200\n no bgp network import-check\n address-family ipv4 unicast\n  \
    network 10.0.0.1/32\n exit-address-family\nexit\n";

/// Lines in a block of the model, outside of any, and in a block that the model does not know.
const RAW: &str = "router bgp 65000\n bgp bestpath as-path multipath-relax\n address-family ipv4 unicast\n  \
    maximum-paths 4\n exit-address-family\nexit\nip route 10.9.0.0/16 Null0\n\
    interface eth0\n ip ospf area 0.0.0.0\nexit\n";

fn wanted() -> FrrConfig {
    let origins = [Origin("FRRConfiguration a/raw".into())].into();
    let raw = vec![RawSnippet { text: RawConfig::new(RAW), origins }];
    FrrConfig { raw, ..parse(RUNS).config }
}

/// What brings these lines back, all of which FRR showed, where they are missing now.
fn given_back(missing: &[&str]) -> String {
    let wanted = wanted();
    let seen: BTreeSet<_> = hand_written(&wanted);
    let shown: Vec<&str> = RAW.lines().filter(|line| !missing.contains(&line.trim())).collect();
    let shown = shown.join("\n");
    let running = parse(&format!("{RUNS}{shown}"));
    let record = Ownership { applied: Some(&wanted), seen: Some(&seen), ..shipped() };
    let given = plan(&running, &wanted, &record);
    assert!(given.lines.iter().all(|line| line.frame || line.origins.len() == 1), "{given:?}");
    given.script()
}

#[test]
fn a_missing_line_is_given_back_alone_in_its_block() {
    assert_eq!(given_back(&[]), "");
    assert_eq!(
        given_back(&[
            "bgp bestpath as-path multipath-relax",
            "maximum-paths 4",
            "ip route 10.9.0.0/16 Null0"
        ]),
        "router bgp 65000\n bgp bestpath as-path multipath-relax\n address-family ipv4 unicast\n  maximum-paths 4\n \
         exit-address-family\nexit\nip route 10.9.0.0/16 Null0\n"
    );
}

#[test]
fn a_line_of_a_block_that_the_model_does_not_know_comes_with_the_whole_text() {
    assert_eq!(given_back(&["ip ospf area 0.0.0.0"]), RAW);
}

#[test]
fn a_line_that_was_never_seen_is_not_missed() {
    let wanted = wanted();
    let seen = BTreeSet::new();
    let record = Ownership { applied: Some(&wanted), seen: Some(&seen), ..shipped() };
    assert!(plan(&parse(RUNS), &wanted, &record).is_empty());
}
