use super::{build, errors, snapshot};
use crate::model::{InForce, Model, Options, commit_confirmed};
use std::time::Duration;

fn peer(value: &str, asn: u32) -> String {
    format!(
        "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata:\n  name: a\n  namespace: m\n  annotations: \
         {{herald.metallb.io/commit-confirmed: {value}}}\nspec: {{myASN: 1, peerASN: {asn}, peerAddress: 192.0.2.1}}\n"
    )
}

#[test]
fn the_annotation_is_a_time_from_a_second_to_an_hour() {
    let read = |value: &str| commit_confirmed(&snapshot(&peer(value, 2)).peers[0].meta);
    for (value, seconds) in [("30s", 30), ("'30'", 30), ("1m30s", 90), ("1h", 3600), ("'1'", 1)] {
        assert_eq!(read(value), Ok(Some(Duration::from_secs(seconds))), "{value}");
    }
    let form = "is neither a duration of whole seconds such as 30s or 1m30s nor a number of seconds";
    for (value, message) in [
        ("'0'", "is outside 1s to 1h"),
        ("61m", "is outside 1s to 1h"),
        ("'99999999999999999999'", "is outside 1s to 1h"),
        ("''", form),
        ("soon", form),
        ("-5s", form),
        ("1500ms", form),
    ] {
        let why = read(value).unwrap_err().to_string();
        assert!(why.ends_with(message), "{value}: {why}");
    }
}

#[test]
fn a_bad_one_costs_the_edit_and_names_the_field() {
    let field = "metadata.annotations[herald.metallb.io/commit-confirmed] InvalidCommitConfirmed";
    assert_eq!(errors(&peer("soon", 2)), [format!("BGPPeer a {field}")]);
    let configuration = "---\napiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {name: c, \
        namespace: m, annotations: {herald.metallb.io/commit-confirmed: soon}}\nspec: {}\n";
    assert_eq!(errors(configuration), [format!("FRRConfiguration c {field}")]);

    let before = build(&peer("30s", 2));
    let after = Model::build(&snapshot(&peer("soon", 3)), &before.in_force, &Options::default());
    assert_eq!(after.in_force.peers["m/a"].spec.peer_asn, Some(2), "the last form stays");
    assert_ne!(after.in_force, InForce::default());
}
