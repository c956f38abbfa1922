//! Users look conditions and Events up by their names: the page and the code have the same ones.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the sources and the page")]

use std::collections::BTreeSet;
use std::path::Path;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).unwrap()
}

/// Literals of one part of a file, from a text to the end of the item that it begins.
fn literals(file: &str, begin: &str) -> BTreeSet<String> {
    let text = read(&format!("operator/core/src/{file}"));
    let part = text.split(begin).nth(1).unwrap();
    let part = part.split("\n}").next().unwrap();
    part.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first name between backquotes of each line of a table, from a heading to the next one.
fn on_page(heading: &str) -> BTreeSet<String> {
    let page = read("docs/reference/conditions.md");
    let part = page.split(&format!("\n## {heading}")).nth(1).unwrap();
    let lines = part.split("\n## ").next().unwrap().lines();
    lines.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect()
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn why_a_service_has_no_address() {
    let mut code = literals("ledger/error.rs", "impl Reason for AllocationError");
    code.extend(literals("model/service_error.rs", "impl Reason for FamilyError"));
    code.extend(literals("model/service_error.rs", "impl Reason for RequestError"));
    // Why it loses what it has, told by an Event; what becomes of it then is another reason.
    let passing = names(&["StatusFamilyMismatch", "RequestChanged", "NotRecorded"]);
    let code: BTreeSet<String> = code.difference(&passing).cloned().collect();
    let own = names(&["Allocated", "PoolNotInForce", "LeaderChanged", "AboutToMove"]);
    assert_eq!(on_page("Service: `LoadBalancerAddressAllocated`"), code.union(&own).cloned().collect());
}

#[test]
fn why_nothing_announces_it() {
    let text = read("operator/core/src/plan/missing.rs");
    let part = text.split("pub fn reason").nth(1).unwrap().split("\n    }").next().unwrap();
    let code: BTreeSet<String> = part.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let own = names(&["Planned", "NoAddress"]);
    let counted = names(&["Advertised", "PartlyAdvertised", "NotAdvertised"]);
    let code: BTreeSet<String> = code.union(&counted).cloned().collect();
    assert_eq!(on_page("Service: `LoadBalancerAdvertised`"), code.union(&own).cloned().collect());
    let constants = read("operator/core/src/control/advertised.rs");
    assert!(counted.iter().all(|name| constants.contains(&format!("&str = \"{name}\";"))));
    assert_eq!(constants.matches("&str = ").count(), 3, "every one of them is on the page");
    let constants = read("operator/core/src/control/condition.rs");
    for name in own.iter().chain(&names(&["Allocated", "PoolNotInForce", "LeaderChanged", "AboutToMove"])) {
        assert!(constants.contains(&format!("&str = \"{name}\";")), "{name}");
    }
    assert_eq!(constants.matches("pub(super) const").count(), 6, "every one of them is on the page");
}

#[test]
fn how_much_of_a_pool_is_left_and_what_is_told() {
    let pools = literals("control/pools.rs", "impl Level");
    let levels = on_page("IPAddressPool: `NearlyExhausted`");
    assert!(levels.len() == 4 && levels.is_subset(&pools), "{levels:?}");
    let events = on_page("Events");
    let of_pools: BTreeSet<String> = pools.into_iter().filter(|name| name.starts_with("Pool")).collect();
    let text = read("operator/core/src/ledger/outcome.rs");
    let part = text.split("pub fn reason").nth(1).unwrap().split("\n    }").next().unwrap();
    let of_services = part.split('"').skip(1).step_by(2).map(str::to_owned);
    let own = names(&["deprecatedAnnotation", "AddressHeldTwice"]);
    assert_eq!(events, of_services.chain(of_pools).chain(own.clone()).collect());
    let code = read("operator/core/src/control/writes.rs") + &read("operator/core/src/control/reserve.rs");
    assert!(own.iter().all(|name| code.contains(&format!("\"{name}\""))));
}
