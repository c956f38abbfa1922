//! The life of a condition.

use super::*;
use herald_frr::config::{Origin, Origins};
use herald_frr::vtysh::Refused;

fn line() -> RefusedLine {
    let (text, reason) = ("neighbor x".to_owned(), "% Unknown command".to_owned());
    let origins = Origins::from([Origin("BGPPeer frr/tor spec.peerPort".into())]);
    RefusedLine { refused: Refused { line_number: 1, text, reason }, origins }
}

#[test]
fn a_refused_object_is_not_applied_until_it_is_no_longer_held() {
    let mut conditions = Conditions::default();
    conditions.refused(&[line()], |object| object == "BGPPeer frr/tor", "then");
    let of = |conditions: &Conditions| conditions.by_object.values().cloned().collect::<Vec<_>>();
    let [refused] = &of(&conditions)[..] else { panic!("{conditions:?}") };
    assert_eq!((refused.object.as_str(), refused.reason.as_str()), ("BGPPeer frr/tor", "LineRefused"));
    assert!(refused.message.contains("Unknown command"), "{}", refused.message);
    assert!(!conditions.applied(|_| true, "later"), "it is still held");
    assert!(conditions.applied(|_| false, "later"));
    assert_eq!(of(&conditions)[0].status, "True");
    assert_eq!(of(&conditions)[0].last_transition_time, "later");
}

#[test]
fn the_time_is_that_of_the_last_change() {
    let mut conditions = Conditions::default();
    for (lines, time) in [(Some("a"), "1"), (Some("b"), "2"), (None, "3"), (None, "4")] {
        conditions.drift("leaf", lines, time);
        let first = conditions.by_object.values().next().unwrap();
        assert_eq!(first.last_transition_time, if lines.is_some() { "1" } else { "3" });
    }
}

#[test]
fn what_is_deprecated_or_ignored_is_a_condition_while_it_is_there() {
    let object = herald_core::problem::ObjectRef {
        kind: "ConfigMap",
        namespace: "m".into(),
        name: "bgpextras".into(),
    };
    let problem = Problem {
        severity: herald_core::problem::Severity::Warning,
        object: Some(object),
        field: herald_core::problem::FieldPath::default(),
        reason: "DeprecatedBGPExtras",
        message: "bgpextras is deprecated".to_owned(),
        nodes: Vec::new(),
        location: None,
    };
    let mut conditions = Conditions::default();
    assert!(conditions.said(std::slice::from_ref(&problem), "then"));
    assert!(!conditions.said(&[problem], "later"));
    let [said] = &conditions.by_object.values().collect::<Vec<_>>()[..] else { panic!("{conditions:?}") };
    assert_eq!((said.object.as_str(), said.kind.as_str()), ("ConfigMap m/bgpextras", "Deprecated"));
    assert_eq!((said.status.as_str(), said.last_transition_time.as_str()), ("True", "then"));
    assert!(conditions.said(&[], "later") && conditions.by_object.is_empty());
}
