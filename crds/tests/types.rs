//! The types hold everything that a manifest can say.

// The library is pure, its tests read files and the environment; a helper of a test may fail like a test.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use herald_crds::{frrk8s, metallb};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[test]
fn manifests_survive_the_types() {
    let folder = env::var_os("HERALD_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let Some(files) = manifests(&folder).filter(|files| !files.is_empty()) else {
        eprintln!("skipped: no conformance data in {} (set HERALD_CONFORMANCE)", folder.display());
        return;
    };
    let mut survived = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let Ok(mut before) = Value::deserialize(document) else { continue };
            let Some(after) = through_types(&before) else { continue };
            drop_empty(&mut before);
            let mut after = after.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            drop_empty(&mut after);
            assert_eq!(after, before, "{}", file.display());
            survived += 1;
        }
    }
    println!("{survived} objects survived");
}

// MetalLB's documentation shows such an L2Advertisement, OpenShift's such a MetalLB.
#[test]
fn a_spec_that_is_left_out_is_empty() {
    for spec in ["", r#", "spec": null"#, r#", "spec": {}"#] {
        let object = format!(r#"{{ "metadata": {{ "name": "example" }}{spec} }}"#);
        let l2: metallb::L2Advertisement = serde_json::from_str(&object).unwrap();
        assert_eq!(l2.spec, metallb::L2AdvertisementSpec::default());
        let metallb: metallb::MetalLB = serde_yaml::from_str(&object).unwrap();
        assert_eq!(metallb.spec, metallb::MetalLBSpec::default());
        let state: frrk8s::FRRNodeState = serde_json::from_str(&object).unwrap();
        assert_eq!(state.spec, frrk8s::FRRNodeStateSpec::default());
    }
}

#[test]
fn passwords_do_not_print() {
    let peer = r#"{ "myASN": 65000, "peerASN": 65001, "peerAddress": "192.0.2.1", "password": "hunter2" }"#;
    let new: metallb::BGPPeerSpec = serde_json::from_str(peer).unwrap();
    let old: metallb::v1beta1::BGPPeerSpec = serde_json::from_str(peer).unwrap();
    let neighbor: frrk8s::Neighbor = serde_json::from_str(r#"{ "password": "hunter2" }"#).unwrap();
    let printed = format!("{new:?} {old:?} {neighbor:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(new.password.as_deref(), Some("hunter2"));
}

/// Accepted manifests: MetalLB's samples, and the inputs that frr-k8s converts.
fn manifests(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder.join("samples")).ok()?.map(|entry| entry.unwrap().path()).collect();
    for suite in ["frr-k8s/api-to-config", "frr-k8s/extra", "frr-k8s/random", "frr-k8s/samples"] {
        for case in fs::read_dir(folder.join(suite)).ok()? {
            let case = case.unwrap().path();
            let about: Value =
                serde_json::from_str(&fs::read_to_string(case.join("case.json")).unwrap()).unwrap();
            if about["expectError"] == false && about["crdValid"] != false {
                files.push(case.join("input.yaml"));
            }
        }
    }
    Some(files)
}

fn through_types(object: &Value) -> Option<serde_json::Result<Value>> {
    let kind = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    Some(match kind {
        ("metallb.io/v1beta1", "IPAddressPool") => through::<metallb::IPAddressPool>(object),
        ("metallb.io/v1beta1", "L2Advertisement") => through::<metallb::L2Advertisement>(object),
        ("metallb.io/v1beta1", "BGPAdvertisement") => through::<metallb::BGPAdvertisement>(object),
        ("metallb.io/v1beta1", "BGPPeer") => through::<metallb::v1beta1::BGPPeer>(object),
        ("metallb.io/v1beta2", "BGPPeer") => through::<metallb::BGPPeer>(object),
        ("metallb.io/v1beta1", "BFDProfile") => through::<metallb::BFDProfile>(object),
        ("metallb.io/v1beta1", "Community") => through::<metallb::Community>(object),
        ("frrk8s.metallb.io/v1beta1", "FRRConfiguration") => through::<frrk8s::FRRConfiguration>(object),
        _ => return None,
    })
}

fn through<K: DeserializeOwned + Serialize>(object: &Value) -> serde_json::Result<Value> {
    serde_json::to_value(serde_json::from_value::<K>(object.clone())?)
}

/// Absent, `null` and empty mean the same in these kinds.
fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_empty);
            fields.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
