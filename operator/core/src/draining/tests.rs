//! A time is over when it has passed, also over a restart, and not after the node is uncordoned.

use super::*;
use crate::input::{Options, SourceText, parse};
use proptest::prelude::*;
use std::fmt::Write as _;

fn snapshot(draining: bool, policies: &[&str]) -> Snapshot {
    let mut text = format!(
        "---\napiVersion: v1\nkind: Node\nmetadata: {{name: n1}}\nspec: {{unschedulable: {draining}}}\n\
         ---\napiVersion: v1\nkind: Node\nmetadata: {{name: n2}}\nspec: {{unschedulable: true}}\n"
    );
    for (number, policy) in policies.iter().enumerate() {
        let _ = writeln!(
            text,
            "---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
             metadata: {{name: a{number}, namespace: m, annotations: {{herald.metallb.io/drain: {policy:?}}}}}"
        );
    }
    parse(&[SourceText { file: "all.yaml".into(), text: text.into() }], &Options::default()).snapshot
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn each_time_is_over_when_it_has_passed() {
    let start = seconds(1000);
    let (usual, drained) = (snapshot(false, &["30s", "true"]), snapshot(true, &["30s", "true"]));
    let mut draining = Draining::default();
    assert_eq!(draining.step(start, "n1", &usual), None);
    assert_eq!(draining.wake_at(start), None);
    let mut over = |after| draining.step(start + seconds(after), "n1", &drained);
    assert_eq!(
        [over(5), over(14), over(15), over(34), over(35)],
        [0, 0, 10, 10, 30].map(|n| Some(seconds(n)))
    );
    assert_eq!(draining.step(start + seconds(36), "n1", &usual), None);
    assert_eq!(draining.step(start + seconds(37), "n1", &drained), Some(seconds(0)));
    assert_eq!(draining.wake_at(start + seconds(40)), Some(start + seconds(47)));
}

#[test]
fn a_restart_goes_on_counting() {
    let start = seconds(1000);
    let drained = snapshot(true, &["30s"]);
    let mut draining = Draining::restore(start, Some(seconds(29)));
    assert_eq!(draining.step(start, "n1", &drained), Some(seconds(0)));
    assert_eq!(draining.wake_at(start), Some(start + seconds(1)));
    assert_eq!(draining.step(start + seconds(1), "n1", &drained), Some(seconds(30)));
    assert_eq!(draining.passed(start + seconds(2)), Some(seconds(31)));
}

#[test]
fn the_node_must_be_known_and_drain_itself() {
    let drained = snapshot(false, &["30s"]);
    let mut draining = Draining::restore(seconds(1000), Some(seconds(5)));
    assert_eq!(draining.step(seconds(1000), "n1", &drained), None);
    assert_eq!(draining.passed(seconds(1000)), None);
    assert_eq!(draining.step(seconds(1000), "n3", &drained), None);
}

proptest! {
    /// What is said never goes back while the node drains, and is what it would say if asked only once.
    #[test]
    fn asking_often_changes_nothing(steps in prop::collection::vec(0_u64..20, 1..20)) {
        let start = seconds(1000);
        let drained = snapshot(true, &["5s", "30s", "0"]);
        let (mut often, mut at, mut last) = (Draining::default(), start, None);
        often.step(start, "n1", &drained);
        for step in steps {
            at += seconds(step);
            let said = often.step(at, "n1", &drained);
            let mut once = Draining::restore(start, Some(Duration::ZERO));
            prop_assert_eq!(said, once.step(at, "n1", &drained));
            prop_assert!(said >= last);
            last = said;
        }
    }
}
