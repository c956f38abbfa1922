//! The life of an edit that FRR refuses.

use super::*;
use herald_core::input::{self, SourceText};
use herald_core::model::Model;
use herald_frr::config::{Origin, Origins};
use herald_frr::vtysh::Refused;

fn snapshot(raw: &str) -> Snapshot {
    let text = format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n\
         metadata: {{name: extra, namespace: frr}}\nspec: {{raw: {{rawConfig: '{raw}'}}}}\n---\n\
         apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n\
         metadata: {{name: extra-too, namespace: frr}}\nspec: {{raw: {{rawConfig: 'ip nht resolve-via-default'}}}}\n"
    );
    let text = SourceText { file: "x.yaml".into(), text: text.into() };
    input::parse(&[text], &input::Options::default()).snapshot
}

fn raws(snapshot: &Snapshot) -> Vec<String> {
    let raw = |custom: &Custom<frrk8s::FRRConfigurationSpec>| {
        custom.spec.raw.as_ref().and_then(|raw| raw.raw_config.clone()).unwrap_or_default()
    };
    snapshot.frr_configurations.iter().map(raw).collect()
}

fn refused_of(origin: &str) -> Vec<RefusedLine> {
    let refused = Refused { line_number: 1, text: "x".to_owned(), reason: "% Unknown command".to_owned() };
    vec![RefusedLine { refused, origins: Origins::from([Origin(origin.into())]) }]
}

fn taken(snapshot: &Snapshot) -> InForce {
    Model::build(snapshot, &InForce::default(), &herald_core::model::Options::default()).in_force
}

const ORIGIN: &str = "FRRConfiguration frr/extra spec.raw.rawConfig";
const OTHER: &str = "ip nht resolve-via-default";

#[test]
fn a_refused_edit_gives_way_to_the_form_before_it() {
    let before = taken(&snapshot("debug bgp updates"));
    let mut quarantine = Quarantine::default();
    assert!(quarantine.add(&refused_of(ORIGIN), &snapshot("bogus")));
    let mut now = snapshot("bogus");
    quarantine.hold(&mut now, &before);
    assert_eq!(raws(&now), ["debug bgp updates", OTHER]);
}

#[test]
fn a_refused_new_object_is_left_out_and_the_others_stay() {
    let mut quarantine = Quarantine::default();
    quarantine.add(&refused_of(ORIGIN), &snapshot("bogus"));
    let mut now = snapshot("bogus");
    quarantine.hold(&mut now, &InForce::default());
    assert_eq!(raws(&now), [OTHER]);
}

#[test]
fn a_changed_object_is_a_new_attempt_and_so_is_its_return() {
    let mut quarantine = Quarantine::default();
    quarantine.add(&refused_of(ORIGIN), &snapshot("bogus"));
    for text in ["mended", "bogus"] {
        let mut now = snapshot(text);
        quarantine.hold(&mut now, &InForce::default());
        assert_eq!(raws(&now), [text, OTHER]);
    }
}

#[test]
fn a_line_of_unknown_origin_holds_nothing() {
    let mut quarantine = Quarantine::default();
    assert!(!quarantine.add(&refused_of("FRRConfiguration frr/ex"), &snapshot("bogus")));
}

/// A peer and the Secret that it names.
fn with_secret(password: &str, hold: u32) -> Snapshot {
    let text = format!(
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: tor, namespace: m}}\n\
         spec: {{myASN: 64512, peerASN: 64513, peerAddress: 192.0.2.1, holdTime: {hold}s, passwordSecret: {{name: md5}}}}\n---\n\
         apiVersion: v1\nkind: Secret\ntype: kubernetes.io/basic-auth\nmetadata: {{name: md5, namespace: m}}\n\
         stringData: {{password: {password}}}\n"
    );
    let text = SourceText { file: "x.yaml".into(), text: text.into() };
    input::parse(&[text], &input::Options::default()).snapshot
}

/// Hold time and password of the peer in force.
fn session(snapshot: &Snapshot, before: &InForce) -> (String, String) {
    let in_force = Model::build(snapshot, before, &herald_core::model::Options::default()).in_force;
    let form = &in_force.peers["m/tor"];
    (form.spec.hold_time.clone().unwrap_or_default(), form.resolved["md5"].clone())
}

#[test]
fn an_edit_of_a_secret_alone_gives_way_to_what_the_secret_held_until_one_of_both_changes() {
    let before = taken(&with_secret("first-one", 90));
    let mut quarantine = Quarantine::default();
    quarantine.add_object("BGPPeer m/tor", &with_secret("second-one", 90));
    // What is kept on disk is enough.
    let json = serde_json::to_string(&quarantine).unwrap();
    let mut quarantine: Quarantine = serde_json::from_str(&json).unwrap();
    assert!(!format!("{quarantine:?}").contains("second-one"), "{quarantine:?}");
    let mut now = with_secret("second-one", 90);
    assert!(!quarantine.hold(&mut now, &before));
    assert_eq!(session(&now, &before), ("90s".to_owned(), "first-one".to_owned()));
    assert!(!format!("{:?}", now.held_passwords).contains("first-one"));

    for (password, hold) in [("third-one", 90), ("second-one", 60)] {
        let mut quarantine: Quarantine = serde_json::from_str(&json).unwrap();
        let mut now = with_secret(password, hold);
        assert!(quarantine.hold(&mut now, &before), "a new attempt");
        assert_eq!(session(&now, &before), (format!("{hold}s"), password.to_owned()));
    }
}

#[test]
fn an_edit_of_both_gives_way_to_both_forms_before() {
    let before = taken(&with_secret("first-one", 90));
    let mut quarantine = Quarantine::default();
    quarantine.add_object("BGPPeer m/tor", &with_secret("second-one", 60));
    let mut now = with_secret("second-one", 60);
    quarantine.hold(&mut now, &before);
    assert_eq!(session(&now, &before), ("90s".to_owned(), "first-one".to_owned()));
}
