//! Hand-written configuration beside what is generated.

use super::{configured, said, text, with_neighbor};

fn with_raw(raw: &str) -> (String, String) {
    let snippet = format!("{{raw: {{rawConfig: {raw:?}}}}}");
    let all = with_neighbor("toAdvertise: {allowed: {mode: all}}");
    let (config, problems) = configured(&[("base", &all), ("raw", &snippet)]);
    (text(&config), said(&problems))
}

#[test]
fn raw_text_that_breaks_generated_policy_is_left_out() {
    let table = [
        ("route-map 192.0.2.1-out permit 1\n match ip address prefix-list x", "RawChangesGeneratedEntry"),
        ("route-map 192.0.2.1-out deny 1", "RawChangesGeneratedEntry"),
        ("route-map frr-base permit 1\n on-match next", "RawChangesGeneratedEntry"),
        ("route-map mine permit 5\n set tag 2147483648", "RawUsesReservedTag"),
        ("ip route 10.9.0.0/16 blackhole tag 4294967295", "RawUsesReservedTag"),
    ];
    for (raw, reason) in table {
        let (text, problems) = with_raw(raw);
        assert_eq!(problems, format!("raw spec.raw.rawConfig: {reason}\n"), "{raw}");
        assert!(!text.contains(raw.lines().last().unwrap()), "{text}");
    }
}

const WITHOUT_EFFECT: &str = "raw spec.raw.rawConfig: RawListWithoutEffect\n";

#[test]
fn raw_text_may_extend_generated_maps() {
    let table = [
        ("route-map 192.0.2.1-out permit 1\n set metric 5", ""),
        ("route-map 192.0.2.1-in permit 20\n match ip address prefix-list x", ""),
        ("route-map 192.0.2.1-out permit 500\n match community x", ""),
        ("route-map mine permit 5\n set tag 7\nexit\nip route 10.9.0.0/16 blackhole tag 7", ""),
        ("! a comment\nrouter bgp 65001\n neighbor 192.0.2.1 description spine", ""),
        ("ip prefix-list mine permit any", ""),
        (
            "ip prefix-list 192.0.2.1-allowed-ipv4 permit any\nroute-map 192.0.2.1-out permit 500\n match ip address prefix-list 192.0.2.1-allowed-ipv4",
            "",
        ),
        ("ip prefix-list 192.0.2.1-allowed-ipv4 permit any", WITHOUT_EFFECT),
        ("ipv6 prefix-list 192.0.2.1-inpl-dual seq 5 permit any", WITHOUT_EFFECT),
        ("ip prefix-list 192.0.2.1-1:2-ip-community-prefixes permit any", WITHOUT_EFFECT),
        ("route-map 192.0.2.1-out permit 500", "raw spec.raw.rawConfig: RawSendsEverything\n"),
    ];
    for (raw, said) in table {
        let (text, problems) = with_raw(raw);
        assert_eq!(problems, said, "{raw}");
        assert!(text.contains(raw), "{text}");
    }
}

#[test]
fn raw_text_comes_last_by_priority_then_name() {
    let raw = |priority: i32, text: &str| format!("{{raw: {{priority: {priority}, rawConfig: '{text}'}}}}");
    let (a, b, c) = (raw(10, "! third"), raw(-5, "! first"), raw(10, "! fourth"));
    let (config, _) = configured(&[("b", &a), ("z", &b), ("c", &c)]);
    let texts: Vec<&str> = config.raw.iter().map(|snippet| snippet.text.as_str()).collect();
    assert_eq!(texts, ["! first", "! third", "! fourth"]);
}
