//! Whatever the text, reading it ends, without a panic, and places its problems inside the text.

use super::{Options, SourceText, parse};
use crate::problem::{FieldPath, Problem, Severity};
use proptest::prelude::*;

const MANIFESTS: &str = r#"
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: gold, namespace: metallb-system, labels: &l {a: "b"}}
spec:
  addresses: [192.0.2.0/24, "2001:db8::/64", 10.0.0.1 - 10.0.0.9]
  serviceAllocation: {priority: 5, serviceSelectors: [{matchLabels: *l}]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata:
  name: tor
spec:
  <<: &base {myASN: 64512, peerASN: 64513}
  peerAddress: 192.0.2.1
  holdTime: 90s
  nodeSelectors:
  - matchExpressions:
    - {key: zone, operator: In, values: [a, b]}
---
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]},
   "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}},
  {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aGk="}}]}
---
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: extra}
spec:
  raw:
    rawConfig: |
      ! text
  bgp:
    routers:
    - asn: 64512
      neighbors:
      - address: 192.0.2.1
        asn: 64513
        toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0/8, le: 24}]}}
"#;

/// Pieces that change what stands around them.
const PIECES: &[&str] = &[
    "\n---\n",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    "|\n",
    ">\n",
    "&x ",
    "*x",
    "*l",
    "<<: *base\n",
    "!!int ",
    "? ",
    "#",
    "\t",
    "\r\n",
    "~",
    "null",
    "999999999999999999999",
    "1e400",
    ".nan",
    "\u{feff}",
    "\u{0}",
    "\\ud800",
    "%YAML 3.0\n",
    "items: ",
    "kind: List\n",
    "metadata: 5\n",
    "spec: []\n",
    "name: \"\"\n",
    "\u{1d11e}",
    "  ",
];

fn judge(text: &str) {
    let parsed = parse(&[SourceText { file: "f".into(), text: text.into() }], &Options::default());
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    let mut later: Vec<Problem> = parsed.problems.clone();
    for problem in &mut later {
        assert!(problem.location.as_ref().is_some_and(|l| l.line >= 1 && l.line <= lines), "{problem:?}");
        problem.location = None;
        problem.severity = Severity::Warning;
        problem.field = FieldPath::of("spec.bgp.routers").index(0).key("asn");
    }
    parsed.index.place(&mut later);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in "(?s).{0,200}") {
        judge(&text);
    }

    #[test]
    fn text_of_pieces_is_survived(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        judge(&pieces.concat());
    }

    #[test]
    fn damaged_manifests_are_survived(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..30, prop::option::of(prop::sample::select(PIECES))),
            1..8,
        ),
    ) {
        let mut text: Vec<char> = MANIFESTS.chars().collect();
        for (at, length, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, piece.unwrap_or_default().chars());
        }
        judge(&text.into_iter().collect::<String>());
    }
}

#[test]
fn the_undamaged_manifests_are_fine() {
    let parsed = parse(&[SourceText { file: "f".into(), text: MANIFESTS.into() }], &Options::default());
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.snapshot.peers[0].spec.my_asn, 64512);
}
