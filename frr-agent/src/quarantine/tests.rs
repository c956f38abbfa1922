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
