//! MetalLB's and frr-k8s' own CRDs, without their descriptions, are in the conformance data: a manifest that they take
//! means the same with ours.

// The library is pure, its tests read files and the environment; a helper of a test may fail like a test.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use serde_yaml::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A difference that is meant.
struct Difference {
    place: &'static str,
    upstream: &'static [&'static str],
    ours: &'static [&'static str],
    /// Why it is better so.
    reason: &'static str,
}

const LOCAL_PREF: &str = "LOCAL_PREF has 32 bits without a sign (RFC 4271, 5.1.5). Upstream's type is uint32 as well: \
                          only its schema says int32, and a value out of range breaks upstream when it reads it.";
const LOCAL_PREF_UPSTREAM: &[&str] = &[r#"format "int32""#];
const LOCAL_PREF_OURS: &[&str] = &[r#"format "int64""#, "maximum 4294967295", "minimum 0"];

const CONTRADICTIONS: &str = "What contradicts itself is refused by upstream's webhook in these words; with a rule, by the API server alone, \
                              also while no webhook answers.";

const DIFFERENCES: &[Difference] = &[
    Difference {
        place: "bgppeers.metallb.io v1beta2 .spec",
        upstream: &[],
        ours: &[
            r#"x-kubernetes-validations {"message":"missing local ASN","rule":"self.myASN > 0"}"#,
            r#"x-kubernetes-validations {"message":"both peer ASN and dynamicASN specified","rule":"!has(self.peerASN) || self.peerASN == 0 || !has(self.dynamicASN)"}"#,
            r#"x-kubernetes-validations {"message":"peer has both Address and Interface specified","rule":"!has(self.peerAddress) || self.peerAddress == '' || !has(self.interface) || self.interface == ''"}"#,
            r#"x-kubernetes-validations {"message":"can not have both password and secret ref set","rule":"!has(self.password) || self.password == '' || !has(self.passwordSecret) || !has(self.passwordSecret.name) || self.passwordSecret.name == ''"}"#,
        ],
        reason: CONTRADICTIONS,
    },
    Difference {
        place: "bgpadvertisements.metallb.io v1beta1 .spec",
        upstream: &[],
        ours: &[
            r#"x-kubernetes-validations {"message":"invalid aggregation length: must be between 1 and 32","rule":"!has(self.aggregationLength) || self.aggregationLength <= 32"}"#,
            r#"x-kubernetes-validations {"message":"invalid aggregation length: must be between 1 and 128","rule":"!has(self.aggregationLengthV6) || (self.aggregationLengthV6 >= 1 && self.aggregationLengthV6 <= 128)"}"#,
        ],
        reason: CONTRADICTIONS,
    },
    Difference {
        place: "ipaddresspools.metallb.io v1beta1 .spec",
        upstream: &[],
        ours: &[
            r#"x-kubernetes-validations {"message":"pool has no prefixes defined","rule":"self.addresses.size() > 0"}"#,
        ],
        reason: CONTRADICTIONS,
    },
    Difference {
        place: "bgpadvertisements.metallb.io v1beta1 .spec.localPref",
        upstream: LOCAL_PREF_UPSTREAM,
        ours: LOCAL_PREF_OURS,
        reason: LOCAL_PREF,
    },
    Difference {
        place: "frrconfigurations.frrk8s.metallb.io v1beta1 .spec.bgp.routers[].neighbors[].toAdvertise.withLocalPref[].localPref",
        upstream: LOCAL_PREF_UPSTREAM,
        ours: LOCAL_PREF_OURS,
        reason: LOCAL_PREF,
    },
];

/// Fields that upstream has not at all, and why.
const ADDED: &[(&str, &str)] = &[
    (
        "ipaddresspools.metallb.io v1beta1 .status.conditions",
        "A pool says that it is about to have nothing left before Services stay pending.",
    ),
    (
        "frrnodestates.frrk8s.metallb.io v1beta1 .status.conditions",
        "A node says in a form that kubectl can wait for what upstream says in sentences.",
    ),
];

#[test]
fn definitions_differ_from_upstream_only_where_meant() {
    let Some(folder) = conformance() else { return };
    let mut upstream = BTreeSet::new();
    for entry in fs::read_dir(folder.join("crds")).unwrap() {
        facts_of(&fs::read_to_string(entry.unwrap().path()).unwrap(), &mut upstream);
    }
    let mut ours = BTreeSet::new();
    for (name, text) in herald_crds::files().unwrap() {
        if name != herald_crds::KUSTOMIZATION {
            facts_of(&text, &mut ours);
        }
    }
    assert!(upstream.len() > 1000, "only {} facts read from {}", upstream.len(), folder.display());

    let mut meant_upstream = BTreeSet::new();
    let mut meant_ours = BTreeSet::new();
    for Difference { place, upstream, ours, reason } in DIFFERENCES {
        assert!(!reason.is_empty());
        meant_upstream.extend(upstream.iter().map(|fact| format!("{place} {fact}")));
        meant_ours.extend(ours.iter().map(|fact| format!("{place} {fact}")));
    }
    let only_upstream: BTreeSet<String> = upstream.difference(&ours).cloned().collect();
    let mut only_ours: BTreeSet<String> = ours.difference(&upstream).cloned().collect();
    for (place, reason) in ADDED {
        let known = only_ours.len();
        only_ours.retain(|fact| !fact.starts_with(place));
        assert!(!reason.is_empty() && only_ours.len() < known, "{place} is not added");
    }
    assert_eq!(only_upstream, meant_upstream, "what upstream has and ours has not");
    assert_eq!(only_ours, meant_ours, "what ours has and upstream has not");
}

/// The folder of conformance data, if it is there.
fn conformance() -> Option<PathBuf> {
    let folder = env::var_os("HERALD_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    if folder.join("crds").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no conformance data in {} (set HERALD_CONFORMANCE)", folder.display());
    None
}

/// Everything that a definition says, one line for each fact, but descriptions and how conversion is reached.
fn facts_of(text: &str, facts: &mut BTreeSet<String>) {
    let crd: Value = serde_yaml::from_str(text).unwrap();
    let name = crd["metadata"]["name"].as_str().unwrap();
    for key in ["group", "names", "scope"] {
        facts.insert(format!("{name} {key} {}", json(&crd["spec"][key])));
    }
    for version in crd["spec"]["versions"].as_sequence().unwrap() {
        let place = format!("{name} {}", version["name"].as_str().unwrap());
        for (key, value) in version.as_mapping().unwrap() {
            if key != "schema" {
                facts.insert(format!("{place} {} {}", key.as_str().unwrap(), json(value)));
            }
        }
        schema_facts(&format!("{place} "), &version["schema"]["openAPIV3Schema"], facts);
    }
}

fn schema_facts(path: &str, schema: &Value, facts: &mut BTreeSet<String>) {
    for (keyword, value) in schema.as_mapping().unwrap() {
        match keyword.as_str().unwrap() {
            "description" => {}
            "properties" => {
                for (name, property) in value.as_mapping().unwrap() {
                    schema_facts(&format!("{path}.{}", name.as_str().unwrap()), property, facts);
                }
            }
            "items" => schema_facts(&format!("{path}[]"), value, facts),
            "additionalProperties" => schema_facts(&format!("{path}{{}}"), value, facts),
            // the same restriction written twice
            "allOf" => value.as_sequence().unwrap().iter().for_each(|part| schema_facts(path, part, facts)),
            keyword @ ("required" | "enum" | "x-kubernetes-validations") => {
                for item in value.as_sequence().unwrap() {
                    facts.insert(format!("{path} {keyword} {}", json(item)));
                }
            }
            keyword => {
                facts.insert(format!("{path} {keyword} {}", json(value)));
            }
        }
    }
}

fn json(value: &Value) -> String {
    let value: serde_json::Value = serde_json::to_value(value).unwrap();
    value.to_string()
}
