//! Any BGPPeer survives the way to the other version and back, and an edit on the way wins.

// A helper of a test may fail like a test.
#![allow(clippy::unwrap_used)]

use herald_crds::metallb::{self, ANNOTATION, ConversionError, convert};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const OLD: &str = "metallb.io/v1beta1";
const NEW: &str = "metallb.io/v1beta2";

fn peer(version: &str, spec: &Value) -> Value {
    let metadata = json!({ "name": "p", "namespace": "metallb-system", "uid": "u", "labels": { "a": "b" } });
    json!({ "apiVersion": version, "kind": "BGPPeer", "metadata": metadata, "spec": spec })
}

fn to(version: &str, object: &Value) -> Value {
    convert(object.clone(), version).unwrap()
}

/// Some of these fields, each with one of its values.
fn some_of(fields: &[(&'static str, Vec<Value>)]) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, values)| {
            let name = (*name).to_owned();
            prop::option::of(prop::sample::select(values.clone()))
                .prop_map(move |value| value.map(|value| (name.clone(), value)))
        })
        .collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect())
}

fn of_both() -> Vec<(&'static str, Vec<Value>)> {
    let selectors = [
        json!([]),
        json!([{}]),
        json!([{ "matchLabels": { "rack": "1" } }, { "matchExpressions": [] }]),
        json!([{ "matchExpressions": [{ "key": "rack", "operator": "Exists" }] }]),
        json!([{ "matchExpressions": [{ "key": "rack", "operator": "In", "values": ["1", "2"] }] }]),
    ];
    vec![
        ("sourceAddress", vec![json!("192.0.2.2"), json!("")]),
        ("holdTime", vec![json!("0s"), json!("90s"), json!("nonsense")]),
        ("keepaliveTime", vec![json!("0s"), json!("30s")]),
        ("routerID", vec![json!("192.0.2.3")]),
        ("nodeSelectors", selectors.to_vec()),
        ("password", vec![json!("hunter2"), json!("")]),
        ("bfdProfile", vec![json!("fast")]),
        ("ebgpMultiHop", vec![json!(true), json!(false)]),
    ]
}

fn v1beta2() -> impl Strategy<Value = Value> {
    let mut fields = of_both();
    fields.extend([
        ("myASN", vec![json!(64512), json!(0)]),
        ("peerASN", vec![json!(64513), json!(0)]),
        ("peerAddress", vec![json!("192.0.2.1"), json!("")]),
        ("peerPort", vec![json!(179), json!(1179)]),
        ("localASN", vec![json!(64999)]),
        ("dynamicASN", vec![json!("internal"), json!("external")]),
        ("interface", vec![json!("eth0")]),
        ("connectTime", vec![json!("10s"), json!("nonsense")]),
        ("passwordSecret", vec![json!({ "name": "s" }), json!({ "name": "s", "namespace": "n" }), json!({})]),
        ("enableGracefulRestart", vec![json!(true), json!(false)]),
        ("vrf", vec![json!("red"), json!("")]),
        ("disableMP", vec![json!(true), json!(false)]),
        ("dualStackAddressFamily", vec![json!(true), json!(false)]),
    ]);
    some_of(&fields).prop_map(|mut spec| {
        spec.entry("myASN").or_insert(json!(64512));
        peer(NEW, &Value::Object(spec))
    })
}

fn v1beta1() -> impl Strategy<Value = Value> {
    let mut fields = of_both();
    fields.extend([
        ("peerASN", vec![json!(64513), json!(0)]),
        ("peerAddress", vec![json!("192.0.2.1"), json!("")]),
        ("peerPort", vec![json!(0), json!(179), json!(1179)]),
    ]);
    some_of(&fields).prop_map(|mut spec| {
        spec.insert("myASN".to_owned(), json!(64512));
        spec.entry("peerASN").or_insert(json!(64513));
        spec.entry("peerAddress").or_insert(json!("192.0.2.1"));
        peer(OLD, &Value::Object(spec))
    })
}

/// What the API server makes of an object of v1beta2 when it stores it.
fn defaulted(mut object: Value) -> Value {
    let spec = object["spec"].as_object_mut().unwrap();
    for (field, value) in [("peerPort", json!(179)), ("disableMP", json!(false))] {
        spec.entry(field).or_insert(value);
    }
    spec.entry("dualStackAddressFamily").or_insert(json!(false));
    object
}

proptest! {
    #[test]
    fn v1beta2_survives_v1beta1(object in v1beta2()) {
        let old = to(OLD, &object);
        prop_assert!(!old["metadata"]["annotations"].to_string().contains("hunter2"));
        serde_json::from_value::<metallb::v1beta1::BGPPeer>(drop_empty_values(old.clone())).unwrap();
        prop_assert_eq!(defaulted(to(NEW, &old)), defaulted(object));
    }

    #[test]
    fn v1beta1_survives_v1beta2(object in v1beta1()) {
        let new = to(NEW, &object);
        prop_assert!(new["spec"]["peerPort"] != json!(0), "v1beta2 does not have it");
        serde_json::from_value::<metallb::BGPPeer>(new.clone()).unwrap();
        prop_assert_eq!(to(OLD, &new), object.clone());
        // As it comes out of the store.
        let mut stored = to(OLD, &defaulted(new));
        if object["spec"].get("peerPort").is_none() {
            stored["spec"].as_object_mut().unwrap().remove("peerPort");
        }
        prop_assert_eq!(stored, object);
    }

    #[test]
    fn manifests_mean_what_the_webhook_makes_of_them(object in v1beta2()) {
        let old = drop_empty_values(to(OLD, &object));
        let annotation = old["metadata"]["annotations"][ANNOTATION].as_str();
        let spec = serde_json::from_value(old["spec"].clone()).unwrap();
        let manifest = metallb::BGPPeerSpec::from_v1beta1(spec, annotation);
        let webhook: metallb::BGPPeerSpec = serde_json::from_value(to(NEW, &old)["spec"].clone()).unwrap();
        let plain = |spec: &metallb::BGPPeerSpec| drop_empty(serde_json::to_value(spec).unwrap());
        prop_assert_eq!(plain(&manifest), plain(&webhook));
    }

    /// What is edited in v1beta1 is what comes out, and what v1beta1 cannot say stays where the edit leaves it room.
    #[test]
    fn an_edit_in_v1beta1_wins(object in v1beta2(), edit in v1beta1()) {
        let mut old = to(OLD, &object);
        old["spec"] = edit["spec"].clone();
        let new = to(NEW, &old);
        for (field, value) in edit["spec"].as_object().unwrap() {
            let unset = [json!(0), json!("")].contains(value);
            prop_assert!(new["spec"][field] == *value || unset, "{field}: {new}");
        }
        let said = |object: &Value, field: &str| {
            let value = &object["spec"][field];
            !value.is_null() && ![json!(0), json!("")].contains(value)
        };
        for (added, field) in [("dynamicASN", "peerASN"), ("interface", "peerAddress"), ("passwordSecret", "password")] {
            if said(&edit, field) && !said(&object, field) && object["spec"].get(field).is_none() {
                prop_assert!(new["spec"].get(added).is_none(), "{added}: {new}");
            }
        }
        for field in ["localASN", "connectTime", "enableGracefulRestart", "vrf"] {
            prop_assert_eq!(&new["spec"][field], &object["spec"][field]);
        }
    }
}

/// `values` may not be left out in v1beta1.
fn drop_empty_values(mut object: Value) -> Value {
    let selectors = object["spec"].get_mut("nodeSelectors").and_then(Value::as_array_mut);
    for selector in selectors.into_iter().flatten() {
        for expression in
            selector.get_mut("matchExpressions").and_then(Value::as_array_mut).into_iter().flatten()
        {
            expression.as_object_mut().unwrap().entry("values").or_insert(json!([]));
        }
    }
    object
}

fn drop_empty(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().map(|(key, value)| (key, drop_empty(value)));
            let empty = |value: &Value| *value == json!({}) || *value == json!([]) || value.is_null();
            Value::Object(kept.filter(|(_, value)| !empty(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(drop_empty).collect()),
        other => other,
    }
}

#[test]
fn what_both_versions_say_needs_no_annotation() {
    let spec = json!({
        "myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1", "peerPort": 179, "holdTime": "90s",
        "password": "hunter2", "disableMP": false, "dualStackAddressFamily": false,
    });
    let old = to(OLD, &peer(NEW, &spec));
    assert!(old["metadata"].get("annotations").is_none(), "{old}");
    assert_eq!(old["metadata"]["uid"], "u");
}

// MetalLB makes them an explicit 0s, with which no keepalives are sent.
#[test]
fn unset_timers_stay_unset() {
    let least = json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1" });
    assert_eq!(to(NEW, &peer(OLD, &least)), peer(NEW, &least));
}

#[test]
fn an_annotation_that_would_break_the_object_is_not_taken() {
    let spec = json!({ "myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1" });
    for text in ["nonsense", r#"{"v1beta2":{"vrf":5}}"#, r#"{"v1beta2":{"myASN":1,"unknown":true}}"#, "[]"] {
        let mut old = peer(OLD, &spec);
        old["metadata"]["annotations"] = json!({ ANNOTATION: text, "other": "stays" });
        let new = to(NEW, &old);
        assert_eq!(new["spec"], spec, "{text}");
        assert_eq!(new["metadata"]["annotations"], json!({ "other": "stays" }));
    }
}

#[test]
fn an_object_without_a_spec_is_converted_too() {
    let bare = json!({ "apiVersion": OLD, "kind": "BGPPeer", "metadata": { "name": "p" } });
    assert_eq!(to(NEW, &bare)["apiVersion"], NEW);
    assert_eq!(to(OLD, &bare), bare);
}

#[test]
fn what_has_no_versions_is_refused() {
    let pool = json!({ "apiVersion": OLD, "kind": "IPAddressPool" });
    assert_eq!(convert(pool, NEW), Err(ConversionError::Kind("IPAddressPool".to_owned())));
    let peer = peer(OLD, &json!({}));
    assert_eq!(convert(peer, "metallb.io/v1"), Err(ConversionError::Version("metallb.io/v1".to_owned())));
}
