//! What is kept of a change, and what can be told from it later.

use super::*;
use crate::input::SourceText;
use crate::model::InForce;
use crate::plan;
use crate::snapshot::Snapshot;
use herald_frr::arbitrary;
use herald_frr::config::FrrConfig;
use herald_frr::render::{RenderOptions, Secrets, render};
use proptest::prelude::*;

const PEER: &str = "
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: tor, namespace: ns, generation: 3}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1, password: s3cret}
";

fn snapshot(yaml: &str) -> Snapshot {
    let text = SourceText { file: "test.yaml".into(), text: yaml.into() };
    plan::read(vec![text], &crate::input::Options::default()).snapshot
}

fn record(revision: u64, outcome: Outcome, changes: Causes, config: ConfigChange) -> Record {
    Record {
        entry: Entry {
            revision,
            time: "2026-01-02T03:04:05Z".to_owned(),
            outcome,
            message: String::new(),
            cause: Cause { trigger: Trigger::Manifests, changes },
            plan: Plan::default(),
            duration_ms: 12,
        },
        config,
    }
}

fn masked(config: &FrrConfig) -> String {
    render(config, &RenderOptions { secrets: Secrets::Mask, annotate: false })
}

#[test]
fn an_edit_is_a_cause_with_both_forms_and_without_the_password() {
    let before = snapshot(PEER);
    let after = snapshot(&PEER.replace("64501", "64502").replace("generation: 3", "generation: 4"));
    let found = causes(&before, &after, "node");
    let [change] = &found.objects[..] else { panic!("{found:?}") };
    assert_eq!((change.object().as_str(), change.generation, change.secret), ("BGPPeer ns/tor", 4, false));
    let peer_asn = |form: &Option<Value>| form.as_ref().unwrap()["spec"]["peerASN"].clone();
    assert_eq!((peer_asn(&change.before), peer_asn(&change.after)), (64501.into(), 64502.into()));
    assert!(!serde_json::to_string(&found).unwrap().contains("s3cret"));
    assert!(causes(&before, &before, "node").is_empty());
}

#[test]
fn what_changed_while_the_agent_was_away_is_found_by_what_was_in_force() {
    let options = plan::Options::default();
    let in_force = plan::evaluate(&snapshot(PEER), &InForce::default(), &options).in_force;
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: ns}\nspec: {type: LoadBalancer}\n";
    let now = snapshot(&(PEER.replace("64501", "64502") + service));
    let found = causes_since(&in_force, &now, "node");
    let [change] = &found.objects[..] else { panic!("{found:?}") };
    assert_eq!(change.before.as_ref().unwrap()["spec"]["peerASN"], 64501);
    assert!(causes_since(&in_force, &snapshot(PEER), "node").is_empty());
}

#[test]
fn another_password_is_a_cause_that_shows_neither() {
    let before = snapshot(PEER);
    let found = causes(&before, &snapshot(&PEER.replace("s3cret", "0ther")), "node");
    let [change] = &found.objects[..] else { panic!("{found:?}") };
    assert!(change.secret && change.before == change.after);
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains("s3cret") && !text.contains("0ther"), "{text}");
}

#[test]
fn secrets_in_hand_written_lines_are_masked() {
    let raw = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: raw, namespace: ns}
spec: {raw: {rawConfig: \"router bgp 1\\n neighbor 192.0.2.1 password s3cret\"}}
";
    let found = causes(&Snapshot::default(), &snapshot(raw), "node");
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains("password <masked>") && !text.contains("s3cret"), "{text}");
}

#[test]
fn many_objects_are_counted() {
    let service = |number: u32| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{number:03}, namespace: ns}}\nspec: {{type: LoadBalancer}}\n"
        )
    };
    let all: String = (0..60).map(service).collect();
    let mut found = causes(&Snapshot::default(), &snapshot(&all), "node");
    assert_eq!((found.objects.len(), found.more.get("Service")), (50, Some(&10)));
    found.then(causes(&Snapshot::default(), &snapshot(PEER), "node"));
    assert_eq!((found.objects.len(), found.more.get("BGPPeer")), (50, Some(&1)));
}

#[test]
fn an_object_that_went_and_came_back_is_no_cause() {
    let with = snapshot(PEER);
    let mut found = causes(&with, &Snapshot::default(), "node");
    found.then(causes(&Snapshot::default(), &with, "node"));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn undoing_is_the_way_back_over_all_that_came_after() {
    let edited = PEER.replace("64501", "64502");
    let twice = edited.replace("192.0.2.1", "192.0.2.2");
    let between = |from: &str, to: &str| causes(&snapshot(from), &snapshot(to), "node");
    let records = [
        record(7, Outcome::Applied, Causes::default(), ConfigChange::default()),
        record(8, Outcome::Applied, between(PEER, &edited), ConfigChange::default()),
        record(9, Outcome::Refused, between(&edited, &twice), ConfigChange::default()),
        record(10, Outcome::Restored, Causes::default(), ConfigChange::default()),
    ];
    let entries = records.map(|record| record.entry);
    let found = undo(&entries, Some(7)).unwrap();
    let [change] = &found.objects[..] else { panic!("{found:?}") };
    assert_eq!(change.after.as_ref().unwrap()["spec"]["peerASN"], 64501);
    assert_eq!(change.before.as_ref().unwrap()["spec"]["peerAddress"], "192.0.2.2");
    assert_eq!(undo(&entries, None).unwrap().to, 8, "before the last change, and in force");
    assert_eq!(undo(&entries, Some(6)), None);
    assert!(!found.incomplete && undo(&entries[1..], None).unwrap().more.is_empty());
}

#[test]
fn a_log_is_read_as_far_as_it_is_whole() {
    let first = record(1, Outcome::Applied, Causes::default(), ConfigChange::full(&FrrConfig::default()));
    let text = head_line("node") + &record_line(&first);
    let log = read_log(&text).unwrap();
    assert_eq!((log.head.node.as_str(), &log.records[..], log.unreadable), ("node", &[first.clone()][..], 0));
    let torn = text.clone() + "{\"entry\": {\"revi";
    let log = read_log(&torn).unwrap();
    assert_eq!((log.records.len(), log.unreadable, log.whole), (1, 1, text.len()));
    assert_eq!(read_log("something else\n"), Err(LogError::Foreign));
    assert_eq!(read_log("{\"heraldHistory\":9,\"node\":\"n\"}\n"), Err(LogError::Version(9)));
    let missing = record(
        3,
        Outcome::Applied,
        Causes::default(),
        ConfigChange { follows: Some(2), ..ConfigChange::default() },
    );
    assert_eq!(rebuild(&[first.clone(), missing], 3), Err(ConfigError::Missing { wanted: 3, missing: 2 }));
    let none = rebuild(&[first], 4).unwrap_err();
    assert_eq!(none.to_string(), "no revision 4 in the history; it holds 1 to 1");
}

proptest! {
    /// Whatever is recorded, comes out as it would have been printed then, passwords masked.
    #[test]
    fn every_configuration_comes_back(configs in proptest::collection::vec(arbitrary::config(), 1..4)) {
        let mut records: Vec<Record> = Vec::new();
        let mut before: Option<&FrrConfig> = None;
        for (config, revision) in configs.iter().zip(1..) {
            let change = before.map_or_else(
                || ConfigChange::full(config),
                |before| ConfigChange::between(revision - 1, before, config),
            );
            records.push(record(revision, Outcome::Applied, Causes::default(), change));
            before = Some(config);
        }
        let text: String = head_line("node") + &records.iter().map(record_line).collect::<String>();
        let read = read_log(&text).unwrap().records;
        for (config, revision) in configs.iter().zip(1..) {
            prop_assert_eq!(masked(&rebuild(&read, revision).unwrap()), masked(config));
        }
    }
}
