//! What MetalLB makes of its configuration, as data: refused for the same reason, or read as the same.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the
//! test says so.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads its cases from files")]

mod support;

use herald_core::input::{self, SourceText};
use herald_core::model::{Built, InForce, Model, Options, Peer, Pool};
use herald_core::problem::Severity;
use herald_core::selector::{Selector, any_matches};
use herald_frr::config::{NeighborId, RemoteAs};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Words of upstream's errors, and the reasons that mean the same here. The schema refuses some values
/// before a rule of the Model sees them.
const REASONS: &[(&str, &[&str])] = &[
    ("pool has no prefixes defined", &["PoolWithoutAddresses", "RequiredField"]),
    ("invalid CIDR", &["InvalidAddressRange"]),
    ("invalid aggregation length", &["AggregationWiderThanPool"]),
    ("in BGP advertisement", &["UnknownCommunity", "InvalidCommunity"]),
    ("parsing community", &["InvalidCommunity"]),
    ("must be in 10-60000 range", &["BFDValueOutOfRange", "OutOfRange"]),
    ("can not have both password and secret ref", &["PasswordAndSecret"]),
    ("secret type mismatch", &["InvalidSecretType"]),
    ("secret ref not found", &["SecretNotFound"]),
    ("password not specified in the secret", &["SecretWithoutPassword"]),
    ("invalid local preference", &["ConflictingLocalPref"]),
    ("duplicate definition of community", &["DuplicateCommunity"]),
    ("duplicate definition of ipAddressPools", &["DuplicateItem"]),
    ("duplicate definition of peers", &["DuplicateItem"]),
    ("duplicate definition in namespaces field", &["DuplicateNamespace"]),
    ("duplicate definition of", &["DuplicateSelector"]),
    ("found duplicate bfd profile name", &["DuplicateObject"]),
    ("peer unnamed-bgppeer already exists", &["DuplicateObject"]),
    ("node selector", &["InvalidSelector"]),
    ("invalid ebgp-multihop parameter", &["MultiHopOnIBGP"]),
    ("invalid hold time", &["InvalidHoldTime"]),
    ("invalid keepaliveTime", &["InvalidKeepaliveTime"]),
    ("missing local ASN", &["InvalidASN"]),
    ("invalid BGPPeer address", &["InvalidPeerAddress"]),
    ("missing peer ASN and dynamicASN", &["MissingPeerASN"]),
    ("both peer ASN and dynamicASN", &["ConflictingASNs"]),
    ("invalid router ID", &["InvalidRouterID"]),
    ("non existing bfd profile", &["UnknownBFDProfile"]),
    ("has bfd echo enabled", &["BFDEchoWithIPv6"]),
    ("both Address and Interface", &["ConflictingPeerAddress"]),
    ("no Address or Interface", &["MissingPeerAddress"]),
    ("are mutually exclusive", &["ServiceSelectorsWithAggregation"]),
    ("doesn't support duplicate BGPPeers", &["DuplicatePeer"]),
    ("must all have the same RouterID", &["ConflictingRouterID"]),
    ("must have the same myAsn", &["ConflictingASN"]),
];

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The errors' reasons and messages, and the Model.
fn build(case: &Path, suite: &str) -> (Vec<(&'static str, String)>, Built) {
    let mut text = std::fs::read_to_string(case.join("input.yaml")).unwrap();
    // An API server takes no upper case in names; these cases are about other things.
    text = text.replace("testPool", "test-pool").replace("testAdv", "test-adv");
    if suite == "frr-mode" {
        // These cases call one function with peers that are otherwise incomplete.
        text = text.replace("myASN: 0", "myASN: 64512");
        if !text.contains("peerASN") {
            text = text.replace("  myASN:", "  peerASN: 7\n  myASN:");
        }
    }
    let source = SourceText { file: "input.yaml".into(), text: text.into() };
    let parsed = input::parse(&[source], &input::Options::default());
    let allow_missing_secrets = case.to_string_lossy().contains("secret-passthrough");
    let options = Options { allow_missing_secrets, ..Options::default() };
    let built = Model::build(&parsed.snapshot, &InForce::default(), &options);
    let problems = parsed.problems.iter().chain(&built.problems);
    let errors = problems.filter(|problem| problem.severity == Severity::Error);
    let errors = errors.map(|problem| (problem.reason, problem.message.clone())).collect();
    (errors, built)
}

#[test]
fn every_case_is_judged_as_upstream_judges_it() {
    let Some(root) = support::cases("metallb-config") else { return };
    let (mut refused, mut read, mut failures) = (0, 0, Vec::new());
    for suite in folders(&root) {
        let name = suite.file_name().unwrap().to_string_lossy().into_owned();
        for case in folders(&suite) {
            let spec = json(&case.join("case.json"));
            let (errors, built) = build(&case, &name);
            let text = ["errorText", "frrModeConstraintsError"].iter().find_map(|key| spec[*key].as_str());
            let failure = match text {
                Some(text) => {
                    refused += 1;
                    wrong_refusal(text, &errors)
                }
                None if !errors.is_empty() => Some(format!("refused: {errors:?}")),
                None => {
                    read += 1;
                    difference(&case, &built)
                }
            };
            failures
                .extend(failure.map(|why| format!("{name}/{}: {why}", case.file_name().unwrap().display())));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    eprintln!("{refused} refused for upstream's reason, {read} read as upstream reads them");
}

fn wrong_refusal(text: &str, errors: &[(&'static str, String)]) -> Option<String> {
    let Some((_, reasons)) = REASONS.iter().find(|(words, _)| text.contains(words)) else {
        return Some(format!("no reason is known for {text:?}"));
    };
    let same = errors.iter().any(|(reason, _)| reasons.contains(reason));
    (!same).then(|| format!("upstream: {text:?}, here: {errors:?}"))
}

/// How the Model differs from what upstream read.
fn difference(case: &Path, built: &Built) -> Option<String> {
    let path = case.join("config.json");
    // Upstream can pass the reference to a Secret on instead of reading it; here it is always read.
    if !path.exists() || case.to_string_lossy().contains("secret-passthrough") {
        return None;
    }
    let config = json(&path);
    let ours = json!({
        "pools": built.model.pools.values().map(|p| (p.object.name.to_string(), pool(p, &built.model))).collect::<Map<_, _>>(),
        "peers": built.model.peers.values().map(|p| (p.object.name.to_string(), peer(p))).collect::<Map<_, _>>(),
        "bfdProfiles": built.model.bfd_profiles.values().map(|p| (p.object.name.to_string(), bfd(&p.profile))).collect::<Map<_, _>>(),
    });
    let theirs = json!({
        "pools": config["pools"].as_object().unwrap().iter().map(|(n, p)| (n.clone(), upstream_pool(p))).collect::<Map<_, _>>(),
        "peers": config["peers"].as_object().unwrap().iter().map(|(n, p)| (n.clone(), upstream_peer(p))).collect::<Map<_, _>>(),
        "bfdProfiles": config["bfdProfiles"].as_object().unwrap().iter().map(|(n, p)| (n.clone(), upstream_bfd(p))).collect::<Map<_, _>>(),
    });
    (ours != theirs).then(|| format!("\n ours:   {ours}\n theirs: {theirs}"))
}

fn nodes(selectors: &[Selector], model: &Model) -> Vec<String> {
    let here = model.nodes.values().filter(|node| any_matches(selectors, &node.labels));
    here.map(|node| node.name.to_string()).collect()
}

fn pool(pool: &Pool, model: &Model) -> Value {
    let name = &pool.object.name;
    let bgp = model.bgp_advertisements.values().filter(|ad| ad.pools.contains(name));
    let l2 = model.l2_advertisements.values().filter(|ad| ad.pools.contains(name));
    let bgp: Vec<Value> = bgp
        .map(|ad| {
            json!({
                "name": ad.object.name.to_string(),
                "lengths": [ad.length_v4, ad.length_v6],
                "localPref": ad.local_pref.unwrap_or_default(),
                "communities": ad.communities.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "peers": ad.peers.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "nodes": nodes(&ad.node_selectors, model),
                "services": ad.service_selectors.len(),
            })
        })
        .collect();
    let l2: Vec<Value> = l2
        .map(|ad| {
            let mut preferred: BTreeMap<String, u32> = BTreeMap::new();
            for (weight, selector) in &ad.preferred_nodes {
                for node in nodes(&ad.node_selectors, model) {
                    if selector.matches(&model.nodes[node.as_str()].labels) {
                        *preferred.entry(node).or_default() += u32::from(*weight);
                    }
                }
            }
            json!({
                "interfaces": ad.interfaces.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "nodes": nodes(&ad.node_selectors, model),
                "preferred": preferred,
                "services": ad.service_selectors.len(),
            })
        })
        .collect();
    json!({
        "cidr": pool.ranges.iter().flat_map(herald_core::model::AddressRange::prefixes).map(|p| p.to_string()).collect::<Vec<_>>(),
        "flags": [pool.auto_assign, pool.avoid_buggy_ips],
        "priority": pool.pinned.as_ref().map_or(0, |p| p.priority),
        "namespaces": pool.pinned.iter().flat_map(|p| p.namespaces.iter().flatten()).map(ToString::to_string).collect::<Vec<_>>(),
        "bgp": bgp,
        "l2": l2,
    })
}

fn upstream_pool(pool: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let sorted = |value: &Value| {
        let mut items: Vec<String> = list(value).iter().map(|v| v.as_str().unwrap().to_owned()).collect();
        items.sort();
        items
    };
    let bgp = list(&pool["bgpAdvertisements"])
        .iter()
        .map(|ad| {
            json!({
                "name": ad["name"],
                "lengths": [ad["aggregationLength"], ad["aggregationLengthV6"]],
                "localPref": ad["localPref"].as_u64().unwrap_or_default(),
                "communities": sorted(&ad["communities"]),
                "peers": sorted(&ad["peers"]),
                "nodes": sorted(&ad["nodes"]),
                "services": list(&ad["serviceSelectors"]).len(),
            })
        })
        .collect::<Vec<_>>();
    let l2 = list(&pool["l2Advertisements"])
        .iter()
        .map(|ad| {
            let preferred = ad["preferredNodes"].as_object().cloned().unwrap_or_default();
            json!({
                "interfaces": sorted(&ad["interfaces"]),
                "nodes": sorted(&ad["nodes"]),
                "preferred": preferred,
                "services": list(&ad["serviceSelectors"]).len(),
            })
        })
        .collect::<Vec<_>>();
    let allocation = &pool["serviceAllocation"];
    json!({
        "cidr": pool["cidr"],
        "flags": [pool["autoAssign"], pool["avoidBuggyIPs"]],
        "priority": allocation["priority"].as_u64().unwrap_or_default(),
        "namespaces": sorted(&allocation["namespaces"]),
        "bgp": bgp,
        "l2": l2,
    })
}

fn peer(peer: &Peer) -> Value {
    let (asn, dynamic) = match peer.remote_as {
        RemoteAs::Number(asn) => (asn.get(), ""),
        RemoteAs::Internal => (0, "internal"),
        RemoteAs::External => (0, "external"),
    };
    let (address, interface) = match &peer.id {
        NeighborId::Address(address) => (address.to_string(), String::new()),
        NeighborId::Interface(name) => (String::new(), name.to_string()),
    };
    json!({
        "asns": [peer.my_asn.get(), asn, peer.local_as.map_or(0, herald_frr::value::Asn::get)],
        "dynamic": dynamic,
        "place": [address, interface, peer.vrf.as_ref().map(ToString::to_string).unwrap_or_default()],
        "port": peer.port.unwrap_or(179),
        "timers": peer.timers.map(|t| [u64::from(t.keepalive), u64::from(t.hold)]),
        "connect": peer.connect_time,
        "ids": [peer.router_id.map(|id| id.to_string()), peer.source_address.map(|a| a.to_string())],
        "bfd": peer.bfd_profile.as_deref().unwrap_or_default(),
        "flags": [peer.ebgp_multihop, peer.graceful_restart],
        "password": peer.password.as_ref().map(|p| p.expose().to_owned()),
        "selectors": peer.node_selectors.len().max(1),
    })
}

fn upstream_peer(peer: &Value) -> Value {
    let seconds = |text: &Value| text.as_str().map(|t| herald_core::duration::parse_seconds(t).unwrap());
    let number = |key: &str| peer[key].as_u64().unwrap_or_default();
    let text = |key: &str| peer[key].as_str().unwrap_or_default().to_owned();
    let flag = |key: &str| peer[key].as_bool().unwrap_or_default();
    json!({
        "asns": [number("myASN"), number("peerASN"), number("localASN")],
        "dynamic": text("dynamicASN"),
        "place": [text("address"), text("interface"), text("vrf")],
        "port": peer["port"].as_u64().unwrap_or(179),
        "timers": seconds(&peer["keepaliveTime"]).zip(seconds(&peer["holdTime"])).map(|(k, h)| [k, h]),
        "connect": seconds(&peer["connectTime"]),
        "ids": [peer["routerID"], peer["sourceAddress"]],
        "bfd": text("bfdProfile"),
        "flags": [flag("ebgpMultiHop"), flag("enableGracefulRestart")],
        "password": peer["secretPassword"],
        "selectors": peer["nodeSelectors"].as_array().map_or(1, Vec::len),
    })
}

fn bfd(profile: &herald_frr::config::BfdProfile) -> Value {
    json!([
        profile.receive_interval,
        profile.transmit_interval,
        profile.detect_multiplier,
        profile.echo_interval,
        profile.echo_mode,
        profile.passive_mode,
        profile.minimum_ttl,
    ])
}

fn upstream_bfd(profile: &Value) -> Value {
    let flag = |key: &str| profile[key].as_bool().unwrap_or_default();
    json!([
        profile["receiveInterval"],
        profile["transmitInterval"],
        profile["detectMultiplier"],
        profile["echoInterval"],
        flag("echoMode"),
        flag("passiveMode"),
        profile["minimumTtl"],
    ])
}
