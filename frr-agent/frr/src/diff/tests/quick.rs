//! Sessions that the plan makes wait for nothing, and what makes them quick leaves nothing behind.

use super::*;
use crate::config::RawSnippet;
use crate::value::RawConfig;

const ROUTER: &str = "router bgp 65000\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
    bgp graceful-restart preserve-fw-state\n coalesce-time 200\n no bgp network import-check\n";
const SESSION: &str = " neighbor 192.0.2.1 remote-as 64512\n address-family ipv4 unicast\n  \
    neighbor 192.0.2.1 activate\n  neighbor 192.0.2.1 route-map 192.0.2.1-in in\n  \
    neighbor 192.0.2.1 route-map 192.0.2.1-out out\n exit-address-family\n";
const MAPS: &str =
    "route-map 192.0.2.1-in permit 1\nexit\nroute-map 192.0.2.1-out permit 7\n match tag 5\nexit\n";
const VERSION: &str = "frr version 10.3\nfrr defaults traditional\n";

fn without() -> String {
    format!("{VERSION}{ROUTER}exit\n")
}

fn with_session() -> FrrConfig {
    parse(&format!("{MAPS}{ROUTER}{SESSION}exit\n")).config
}

/// The lines from the last block on that is not of route-maps.
fn end(plan: &ChangePlan) -> Vec<&str> {
    let lines: Vec<&str> = plan.lines.iter().map(|line| line.text.as_str()).collect();
    let from = lines.iter().position(|line| line.starts_with("route-map 192.0.2.1-out deny"));
    from.map(|from| lines[from..].to_vec()).unwrap_or_default()
}

#[test]
fn a_new_session_is_not_held_and_the_timer_is_what_it_was() {
    let wanted = with_session();
    for (runs, last) in [
        ("", "no bgp route-map delay-timer"),
        ("bgp route-map delay-timer 3\n", "bgp route-map delay-timer 3"),
        ("bgp route-map delay-timer 1\n", "bgp route-map delay-timer 1"),
    ] {
        let plan = plan(&parse(&(without() + runs)), &wanted, &Ownership::host(None));
        let gone = "no route-map 192.0.2.1-out deny 8";
        assert_eq!(end(&plan), ["route-map 192.0.2.1-out deny 8", "exit", QUICK, gone, last], "{runs}");
    }
    let never = without() + "bgp route-map delay-timer 0\n";
    let plan = plan(&parse(&never), &wanted, &Ownership::host(None));
    assert!(end(&plan).is_empty() && !plan.script().contains("delay-timer"), "{}", plan.script());
}

#[test]
fn a_timer_that_hand_written_lines_ask_for_is_the_last_word() {
    let mut wanted = with_session();
    wanted.raw =
        vec![RawSnippet { text: RawConfig::new("bgp route-map delay-timer 2"), origins: Origins::new() }];
    let plan = plan(&parse(&without()), &wanted, &shipped());
    assert_eq!(plan.lines.last().unwrap().text, "bgp route-map delay-timer 2");
}

#[test]
fn a_timer_that_is_nobodys_does_not_come_back() {
    let stray = without() + "bgp route-map delay-timer 3\n";
    let plan = plan(&parse(&stray), &with_session(), &shipped());
    assert!(plan.script().starts_with("no bgp route-map delay-timer 3\n"), "{}", plan.script());
    assert_eq!(plan.lines.last().unwrap().text, "no bgp route-map delay-timer");
}

#[test]
fn where_no_session_is_made_nothing_is_hurried() {
    let session = format!("{VERSION}{MAPS}{ROUTER}{SESSION}exit\n");
    let changed = parse(&session.replace("permit 7", "permit 9")).config;
    let plan = plan(&parse(&session), &changed, &shipped());
    assert!(!plan.is_empty() && !plan.script().contains("delay-timer"), "{}", plan.script());
}

#[test]
fn hand_written_lines_may_say_another_coalesce_time() {
    let mut wanted = parse(&without()).config;
    let text = "router bgp 65000\n coalesce-time 900\nexit";
    wanted.raw = vec![RawSnippet { text: RawConfig::new(text), origins: Origins::new() }];
    let slow = without().replace("coalesce-time 200", "coalesce-time 900");
    assert!(plan(&parse(&slow), &wanted, &shipped()).is_empty());
    assert!(plan(&parse(&without()), &wanted, &shipped()).script().contains(" coalesce-time 900\n"));
}
