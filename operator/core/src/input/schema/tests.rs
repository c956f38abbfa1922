//! What the schemas refuse, and how it is said.

use crate::input::{Options, Parsed, SourceText, parse};

fn read(text: &str) -> Parsed {
    parse(&[SourceText { file: "a.yaml".into(), text: text.into() }], &Options::default())
}

/// `line:column field reason message` of every problem.
fn lines(parsed: &Parsed) -> Vec<String> {
    let line = |p: &crate::problem::Problem| {
        let at = p.location.as_ref().map(|l| format!("{}:{}", l.line, l.column)).unwrap_or_default();
        [&at, &p.field.to_string(), p.reason, &p.message].join("|")
    };
    parsed.problems.iter().map(line).collect()
}

fn manifest(api: &str, kind: &str, spec: &str) -> String {
    format!("{{apiVersion: {api}/v1beta1, kind: {kind}, metadata: {{name: a}},\nspec: {spec}}}")
}

fn neighbor(fields: &str) -> String {
    let spec = format!("{{bgp: {{routers: [{{asn: 1, neighbors: [{{{fields}}}]}}]}}}}");
    manifest("frrk8s.metallb.io", "FRRConfiguration", &spec)
}

fn pool(spec: &str) -> String {
    manifest("metallb.io", "IPAddressPool", spec)
}

#[test]
fn types_bounds_and_names_are_checked() {
    let below = "spec.bgp.routers[0].neighbors[0]";
    let cases = [
        (pool("{}"), "2:1|spec.addresses|RequiredField|is required"),
        (pool("[]"), "2:1|spec|WrongType|must be a mapping, not a list"),
        (
            pool("{addresses: [1]}"),
            "2:20|spec.addresses[0]|WrongType|must be a text, not the number 1; put it in quotes",
        ),
        (pool("{addresses: [~]}"), "2:20|spec.addresses[0]|WrongType|must be a text, not null"),
        (
            pool("{addresses: [], autoAsign: true}"),
            "2:23|spec.autoAsign|UnknownField|unknown field, did you mean autoAssign?",
        ),
        (
            pool("{addresses: [], autoAssign: 'yes'}"),
            "2:23|spec.autoAssign|WrongType|must be a boolean, not the text \"yes\"",
        ),
        (pool("{addresses: [], something: 1}"), "2:23|spec.something|UnknownField|unknown field"),
        (
            manifest("metallb.io", "BFDProfile", "{receiveInterval: 9}"),
            "2:8|spec.receiveInterval|OutOfRange|9 is out of range; it must be 10 to 60000",
        ),
        (
            neighbor("asn: 4294967296"),
            &format!("2:46|{below}.asn|OutOfRange|4294967296 is out of range; it must be 0 to 4294967295"),
        ),
        (
            neighbor("dynamicASN: intern"),
            &format!(
                "2:46|{below}.dynamicASN|UnsupportedValue|\"intern\" is not supported; known: internal, external, \
                 did you mean internal?"
            ),
        ),
        (
            neighbor("password: 4711"),
            &format!("2:46|{below}.password|WrongType|must be a text, not a number; put it in quotes"),
        ),
        (
            neighbor("addressFamilies: [unicast, evpn, evpn]"),
            &format!("2:46|{below}.addressFamilies|InvalidLength|has 3 items; it must have at most 2"),
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(lines(&read(&text)), [wanted], "{text}");
    }
}

#[test]
fn lists_and_formats_are_checked() {
    let below = "spec.bgp.routers[0].neighbors[0]";
    let cases = [
        (
            neighbor("toAdvertise: {withLocalPref: [{prefixes: [], localPref: 1}]}"),
            format!(
                "2:77|{below}.toAdvertise.withLocalPref[0].prefixes|InvalidLength|has 0 items; it must have at least 1"
            ),
        ),
        (
            neighbor("toAdvertise: {nextHop: {ipv4: '2001:db8::1'}}"),
            format!(
                "2:70|{below}.toAdvertise.nextHop.ipv4|InvalidFormat|\"2001:db8::1\" is not an IPv4 address"
            ),
        ),
        (
            neighbor("toReceive: {allowed: {prefixes: [{prefix: 10.0.0.0}]}}"),
            format!(
                "2:80|{below}.toReceive.allowed.prefixes[0].prefix|InvalidFormat|\"10.0.0.0\" is not a prefix in CIDR \
                 notation"
            ),
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(lines(&read(&text)), [wanted], "{text}");
    }
}

#[test]
fn all_problems_of_an_object_are_reported_and_it_is_left_out() {
    let parsed = read(&pool("{adresses: [a], autoAssign: maybe}"));
    let fields: Vec<String> = parsed.problems.iter().map(|p| p.field.to_string()).collect();
    assert_eq!(fields, ["spec.adresses", "spec.autoAssign", "spec.addresses"]);
    assert!(parsed.snapshot.pools.is_empty());
}

#[test]
fn defaults_apply_also_where_null_is_written() {
    let parsed = read(&neighbor("addressFamilies: ~, toReceive: {allowed: {}}"));
    assert_eq!(lines(&parsed), Vec::<String>::new());
    let written = serde_json::to_value(&parsed.snapshot.frr_configurations[0].spec).unwrap();
    let neighbor = &written["bgp"]["routers"][0]["neighbors"][0];
    assert_eq!(neighbor["addressFamilies"], serde_json::json!(["unicast"]));
    assert_eq!(neighbor["toReceive"]["allowed"]["mode"], "filtered");
    assert_eq!(neighbor["disableMP"], false);
    assert!(neighbor.get("toAdvertise").is_none());
}

#[test]
fn the_older_version_of_a_peer_has_its_own_schema() {
    let peer = |version: &str, field: &str| {
        format!(
            "{{apiVersion: metallb.io/{version}, kind: BGPPeer, metadata: {{name: a}},\n\
             spec: {{myASN: 1, peerASN: 2, peerAddress: 192.0.2.1, {field}}}}}"
        )
    };
    assert_eq!(read(&peer("v1beta2", "vrf: red")).snapshot.peers[0].spec.vrf.as_deref(), Some("red"));
    assert_eq!(
        read(&peer("v1beta1", "holdTime: 9s")).snapshot.peers[0].spec.hold_time.as_deref(),
        Some("9s")
    );
    let refused = read(&peer("v1beta1", "vrf: red"));
    assert_eq!(refused.problems[0].reason, "UnknownField");
    assert!(refused.snapshot.peers.is_empty());
}

#[test]
fn kinds_without_a_part_in_any_decision_are_checked_too() {
    let status =
        "{apiVersion: metallb.io/v1beta1, kind: ServiceL2Status, metadata: {name: a}, status: {node: n}}";
    assert_eq!(lines(&read(status)), Vec::<String>::new());
    let level = manifest("frrk8s.metallb.io", "FRRK8sConfiguration", "{logLevel: trace}");
    assert_eq!(read(&level).problems[0].reason, "UnsupportedValue");
}

#[test]
fn metadata_is_checked_as_well() {
    let text = "{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: a, label: {x: y}},\nspec: {addresses: []}}";
    assert_eq!(lines(&read(text)), ["1:75|metadata.label|UnknownField|unknown field, did you mean labels?"]);
}
