//! What MetalLB's speaker writes for frr-k8s in its own unit tests, from manifests.
#![expect(
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads the cases and its place"
)]

mod support;

use herald_core::external::{self, Passwords};
use herald_core::input::{self, SourceText};
use herald_core::model::InForce;
use herald_core::plan::{Endpoints, Options};
use herald_crds::frrk8s::FRRConfigurationSpec;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NODE: &str = "testnodename";
/// Peers that MetalLB's own validation refuses: two AS numbers in a VRF, or one peer twice. The cases call what is behind it.
const REFUSED: [&str; 3] = ["TestTwoIPv6Sessions", "TestTwoSessions", "TestTwoSessionsDuplicate"];

/// What no manifest can say is changed on both sides: a hold time of 1 s, which BGP forbids, is 6 s; an address with the
/// length of its network is one address; the second router id of a node is the first.
fn sayable(text: &str) -> String {
    let mut text =
        text.replace("10.3.3.254", "10.1.1.254").replace("\"holdTime\": \"1s\"", "\"holdTime\": \"6s\"");
    for last in 0..=255 {
        text = text.replace(&format!("172.16.1.{last}/24"), &format!("172.16.1.{last}/32"));
    }
    text
}

fn custom(kind: &str, version: &str, name: &str, spec: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": "metallb-system"});
    json!({"apiVersion": format!("metallb.io/{version}"), "kind": kind, "metadata": metadata, "spec": spec})
}

/// The objects that a case's operations stand for.
fn manifests(case: &Value) -> Vec<Value> {
    let (mut sessions, mut profiles) = (BTreeMap::new(), Vec::new());
    for step in case["operations"].as_array().into_iter().flatten() {
        let session = step["session"].to_string();
        match step["op"].as_str().unwrap() {
            "newSession" => drop(sessions.insert(session, (step["peer"].clone(), Value::Null))),
            "set" => sessions.get_mut(&session).unwrap().1 = step["advertisements"].clone(),
            "close" => drop(sessions.remove(&session)),
            "syncBFDProfiles" => profiles = step["profiles"].as_array().cloned().unwrap_or_default(),
            other => panic!("operation {other}"),
        }
    }
    let labels = json!({"kubernetes.io/hostname": NODE});
    let mut objects =
        vec![json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}})];
    for mut profile in profiles {
        let name = profile.as_object_mut().unwrap().remove("name").unwrap();
        objects.push(custom("BFDProfile", "v1beta1", name.as_str().unwrap(), &profile));
    }
    let mut addresses = BTreeMap::new();
    for (mut peer, advertisements) in sessions.into_values() {
        let fields = peer.as_object_mut().unwrap();
        fields.remove("currentNode");
        let name = fields.remove("name").unwrap().as_str().unwrap().to_owned();
        if let Some(secret) = peer["passwordSecret"]["name"].as_str() {
            let metadata = json!({"name": secret, "namespace": "metallb-system"});
            objects.push(json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth",
                "metadata": metadata, "stringData": {"password": "secret"}}));
        }
        objects.push(custom("BGPPeer", "v1beta2", &name, &peer));
        for (number, advertisement) in advertisements.as_array().into_iter().flatten().enumerate() {
            let address = advertisement["prefix"].as_str().unwrap().split('/').next().unwrap().to_owned();
            let position = addresses.len();
            let service = addresses.entry(address).or_insert_with(|| format!("service-{position}")).clone();
            let mut spec = json!({"ipAddressPools": [service], "peers": [name]});
            for key in ["communities", "localPref"] {
                if !advertisement[key].is_null() && advertisement[key] != json!(0) {
                    spec[key] = advertisement[key].clone();
                }
            }
            objects.push(custom("BGPAdvertisement", "v1beta1", &format!("{name}-{number}"), &spec));
        }
    }
    objects.extend(addresses.iter().flat_map(|(address, name)| service(name, address)));
    objects
}

fn service(name: &str, address: &str) -> [Value; 3] {
    let (family, bits) = if address.contains(':') { ("IPv6", 128) } else { ("IPv4", 32) };
    let pool = custom("IPAddressPool", "v1beta1", name, &json!({"addresses": [format!("{address}/{bits}")]}));
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "ipFamilies": [family]},
        "status": {"loadBalancer": {"ingress": [{"ip": address}]}}});
    let labels = json!({"kubernetes.io/service-name": name});
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "endpoints": [{"addresses": ["192.0.2.1"], "nodeName": NODE, "conditions": {"ready": true}}]});
    [pool, service, slice]
}

fn planned(case: &Value) -> FRRConfigurationSpec {
    let text: String = manifests(case).iter().map(|object| format!("---\n{object}\n")).collect();
    let source = SourceText { file: "case.yaml".into(), text: text.into() };
    let parsed = input::parse(&[source], &input::Options::default());
    assert_eq!(parsed.problems, []);
    let options = Options { endpoints: Endpoints::Strict, ..Options::default() };
    external::plan(&parsed.snapshot, &InForce::default(), NODE, Passwords::Refer, &options).unwrap().spec
}

/// An address is written in its shortest form.
fn shorten(value: &mut Value) {
    if let Some(address) = value.as_str().and_then(|text| text.parse::<std::net::IpAddr>().ok()) {
        *value = json!(address.to_string());
    }
}

/// What MetalLB loses on the way (its `sourceAddress` and `localASN`) is put back.
fn expected(folder: &std::path::Path, case: &Value) -> Value {
    let text = std::fs::read_to_string(folder.join("frrconfiguration.json")).unwrap();
    let mut object: Value = serde_json::from_str(&sayable(&text)).unwrap();
    let peers: Vec<&Value> =
        case["operations"].as_array().into_iter().flatten().map(|step| &step["peer"]).collect();
    for router in object["spec"]["bgp"]["routers"].as_array_mut().into_iter().flatten() {
        let vrf = router["vrf"].clone();
        for neighbor in router["neighbors"].as_array_mut().into_iter().flatten() {
            let is_it = |peer: &&&Value| {
                (&peer["peerAddress"], &peer["interface"], &peer["vrf"])
                    == (&neighbor["address"], &neighbor["interface"], &vrf)
            };
            let peer = peers.iter().find(is_it).unwrap();
            for (theirs, ours) in [("sourceAddress", "sourceaddress"), ("localASN", "localASN")] {
                if !peer[theirs].is_null() {
                    neighbor[ours] = peer[theirs].clone();
                }
            }
            for key in ["address", "sourceaddress"] {
                shorten(&mut neighbor[key]);
            }
        }
    }
    object["spec"].clone()
}

#[test]
fn the_object_says_what_metallbs_speaker_says() {
    let Some(cases) = support::cases("metallb-frrk8s") else { return };
    let mut count = 0;
    for folder in std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if REFUSED.contains(&name.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(folder.join("input.json")).unwrap();
        let case: Value = serde_json::from_str(&sayable(&text)).unwrap();
        let (spec, wanted) = (planned(&case), expected(&folder, &case));
        let shown =
            || (serde_json::to_string_pretty(&spec).unwrap(), serde_json::to_string_pretty(&wanted).unwrap());
        assert!(external::same(&spec, &wanted), "{name}: {}\nand not\n{}", shown().0, shown().1);
        count += 1;
    }
    assert_eq!(count, 35);
}
