//! `herald history`, `show` and `rollback` on a state folder, as their users see them.

mod support;

use herald_core::history::{Entry, Record, head_line, record_line};
use serde_json::{Value, json};
use support::Folder;

fn peer(asn: u32) -> Value {
    json!({
        "apiVersion": "metallb.io/v1beta2",
        "kind": "BGPPeer",
        "metadata": {"name": "tor", "namespace": "ns"},
        "spec": {"myASN": 64500, "peerASN": asn, "peerAddress": "192.0.2.1", "password": "<masked>"},
    })
}

fn record(revision: u64, outcome: &str, objects: &Value, config: Value) -> Record {
    let entry = json!({
        "revision": revision, "time": "2026-01-02T03:04:05Z", "outcome": outcome, "durationMs": 31,
        "message": if outcome == "Refused" { "% Unknown command" } else { "" },
        "cause": {"trigger": "Manifests", "objects": objects},
        "plan": {"lineCount": 1, "resets": ["192.0.2.1"], "lines": [
            {"text": "neighbor 192.0.2.1 remote-as 64501", "effect": "reset", "origins": ["BGPPeer ns/tor spec.peerASN"]},
        ]},
    });
    let entry: Entry = serde_json::from_value(entry).expect("entry");
    Record { entry, config: serde_json::from_value(config).expect("configuration") }
}

fn frame(asn: u32) -> Value {
    let text = format!(
        "router bgp 64500\n neighbor 192.0.2.1 remote-as {asn}\n neighbor 192.0.2.1 password <masked>\nexit\n"
    );
    json!({ "text": text })
}

/// A node that was given a peer, another AS number for it, and one that it refused.
fn history() -> Folder {
    let change = |before: Value, after: Value, generation: i64| json!([{"kind": "BGPPeer", "namespace": "ns", "name": "tor", "generation": generation, "before": before, "after": after}]);
    let records = [
        record(6, "Applied", &change(Value::Null, peer(64501), 1), json!({"frame": frame(64501)})),
        record(
            7,
            "Applied",
            &change(peer(64501), peer(64502), 2),
            json!({"follows": 6, "frame": frame(64502)}),
        ),
        record(
            8,
            "Refused",
            &change(peer(64502), peer(64503), 3),
            json!({"follows": 7, "frame": frame(64503)}),
        ),
        record(9, "Restored", &json!([]), json!({"follows": 8, "frame": frame(64502)})),
    ];
    let folder = Folder::new();
    let text: String = std::iter::once(head_line("node-a")).chain(records.iter().map(record_line)).collect();
    folder.write("state/history/000000000006.jsonl", &text);
    folder
}

#[test]
fn history_lists_what_happened_and_why() {
    let folder = history();
    let run = folder.herald(&["history", "node-a", "--state-dir", "state"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    run.stdout_is("history.txt");
    let run = folder.herald(&["history", "node-a", "--state-dir", "state", "-o", "json"]);
    let entries: Vec<Entry> = serde_json::from_str(&run.stdout).expect("entries");
    assert_eq!(entries.iter().map(|entry| entry.revision).collect::<Vec<_>>(), [6, 7, 8, 9]);
}

#[test]
fn show_prints_the_configuration_of_a_revision() {
    let folder = history();
    let show = |more: &[&str]| folder.herald(&[&["show", "node-a", "--state-dir", "state"], more].concat());
    let last = show(&[]);
    assert!(
        last.code == 0 && last.stdout.contains(" neighbor 192.0.2.1 remote-as 64502\n"),
        "{}",
        last.stderr
    );
    assert!(last.stdout.contains("password <masked>"));
    assert!(show(&["--rev", "6"]).stdout.contains("remote-as 64501"));
    let refused = show(&["--rev", "8"]);
    assert!(refused.stdout.contains("remote-as 64503"));
    assert_eq!(
        refused.stderr,
        "note: revision 8 ended as Refused (% Unknown command): FRR does not run this\n"
    );
    let plan = show(&["--rev", "7", "--plan"]);
    assert!(
        plan.stdout.contains("reset    neighbor 192.0.2.1 remote-as 64501   BGPPeer ns/tor spec.peerASN\n")
    );
    assert!(plan.stdout.ends_with("reset: 192.0.2.1\n"), "{}", plan.stdout);
}

#[test]
fn rollback_prints_what_undoes_the_changes_since_a_revision() {
    let folder = history();
    let rollback =
        |more: &[&str]| folder.herald(&[&["rollback", "node-a", "--state-dir", "state"], more].concat());
    let last = rollback(&[]);
    assert_eq!((last.code, last.stderr.as_str()), (0, ""));
    last.stdout_is("rollback.txt");
    let more = rollback(&["--to", "6"]).stdout;
    assert!(more.contains("-  peerASN: 64503\n+  peerASN: 64501\n"), "{more}");
    let nothing = rollback(&["--to", "9"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, ""));
    assert_eq!(nothing.stderr, "nothing to undo: no object has changed since revision 9\n");
    let yaml = rollback(&["-o", "yaml"]);
    assert_eq!(yaml.code, 1);
    assert!(yaml.stdout.contains("  peerASN: 64502\n"), "{}", yaml.stdout);
    assert_eq!(yaml.stderr, "note: passwords of BGPPeer ns/tor are masked: put them in by hand\n");
}

#[test]
fn rollback_of_files_is_a_patch_of_them() {
    let folder = history();
    folder.write(
        "manifests/bgp/peers.yaml",
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: tor, namespace: ns}\n\
         spec: {myASN: 64500, peerASN: 64503, peerAddress: 192.0.2.1, password: s3cret} # fabric A\n",
    );
    let run = folder.herald(&["rollback", "node-a", "--state-dir", "state", "-f", "manifests"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with("--- a/bgp/peers.yaml\n+++ b/bgp/peers.yaml\n"), "{}", run.stdout);
    assert!(run.stdout.contains(
        "+spec: {myASN: 64500, peerASN: 64502, peerAddress: 192.0.2.1, password: s3cret} # fabric A\n"
    ));
    let missing = folder.herald(&["rollback", "node-a", "--state-dir", "state", "-f", "state/none.yaml"]);
    assert_eq!(missing.code, 2);
}

#[test]
fn what_is_wrong_is_named() {
    let folder = history();
    let says = |args: &[&str], words: &str| {
        let run = folder.herald(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    };
    says(&["history", "node-b", "--state-dir", "state"], "is the history of node node-a, not of node-b");
    says(&["history", "node-a", "--state-dir", "nowhere"], "nowhere/history: No such file");
    says(
        &["show", "node-a", "--state-dir", "state", "--rev", "3"],
        "no revision 3 in the history; it holds 6, 7, 8, 9",
    );
    says(&["rollback", "node-a", "--state-dir", "state", "--to", "3"], "no revision 3");
    says(&["history", "node-a", "--server", "http://127.0.0.1:1"], "must be https://HOST:PORT");
    says(
        &["history", "node-a", "--server", "https://127.0.0.1:1"],
        "the agent at https://127.0.0.1:1 does not answer",
    );
    says(&["history", "node-a", "--kubeconfig", "none"], "none: ");
    folder.write("state/history/000000000006.jsonl", "something else\n");
    says(&["history", "node-a", "--state-dir", "state"], "does not begin as a history");
}
