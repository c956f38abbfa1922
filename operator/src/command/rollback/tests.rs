//! What the diff of files says.

use super::*;
use herald_core::history::Counts;
use serde_json::json;

fn peer(asn: u32, password: &str) -> serde_json::Value {
    json!({
        "apiVersion": "metallb.io/v1beta2",
        "kind": "BGPPeer",
        "metadata": {"name": "tor", "namespace": "ns"},
        "spec": {"myASN": 64500, "peerASN": asn, "password": password, "ebgpMultiHop": false},
    })
}

/// From `before`, how it is, to `after`, how it was.
fn undoing(before: Option<serde_json::Value>, after: Option<serde_json::Value>) -> Undo {
    let change = ObjectChange {
        kind: "BGPPeer".to_owned(),
        namespace: "ns".to_owned(),
        name: "tor".to_owned(),
        generation: 0,
        before,
        after,
        secret: false,
        omitted: false,
    };
    Undo { to: 1, objects: vec![change], more: Counts::default(), incomplete: false }
}

const FILE: &str = "# the fabric
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: tor, namespace: ns}
spec:
  myASN: 64500
  peerASN: 64502 # was 64501
  password: s3cret
---
kind: Other
";

fn folder() -> Files {
    Files::from([("bgp.yaml".to_owned(), FILE.to_owned())])
}

#[test]
fn a_field_goes_back_and_the_password_of_the_file_stays() {
    let (diff, notes) = files(&undoing(Some(peer(64502, MASK)), Some(peer(64501, MASK))), folder());
    let lines: Vec<&str> = diff.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(
        lines,
        [
            "--- a/bgp.yaml",
            "+++ b/bgp.yaml",
            "-  peerASN: 64502 # was 64501",
            "+  peerASN: 64501 # was 64501"
        ]
    );
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn an_object_that_came_goes_and_one_that_went_comes_back() {
    let (diff, notes) = files(&undoing(Some(peer(64502, MASK)), None), folder());
    assert!(diff.contains("-kind: BGPPeer\n") && !diff.contains("+++ /dev/null"), "{diff}");
    assert!(!diff.contains("\n-kind: Other"), "{diff}");
    assert!(notes.is_empty());

    let (diff, notes) = files(&undoing(None, Some(peer(64501, MASK))), Files::new());
    assert!(diff.starts_with("--- /dev/null\n+++ b/bgppeer-ns-tor.yaml\n"), "{diff}");
    assert!(diff.contains("+  peerASN: 64501\n") && diff.contains("+  password: <masked>\n"), "{diff}");
    assert_eq!(notes, ["passwords of BGPPeer ns/tor are masked: put them in by hand"]);
}

#[test]
fn an_object_that_is_in_no_file_is_said() {
    let (diff, notes) = files(&undoing(Some(peer(64502, "")), Some(peer(64501, ""))), Files::new());
    assert_eq!((diff.as_str(), &notes[..]), ("", &["BGPPeer ns/tor is in none of the files".to_owned()][..]));
}

#[test]
fn yaml_is_what_kubectl_takes() {
    let (text, _) = manifests(&undoing(Some(peer(64502, "")), Some(peer(64501, ""))));
    let value: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(value["spec"]["peerASN"].as_u64(), Some(64501));
    let (text, _) = manifests(&undoing(Some(peer(64502, "")), None));
    assert_eq!(text, "---\n# kubectl delete bgppeer tor --namespace ns\n");
}
