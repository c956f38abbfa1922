//! Objects that follow each other before the first is seen.

use super::*;

#[test]
fn what_was_admitted_counts_before_it_is_seen() {
    let snapshot = cluster("");
    let mut reviewer = reviewer(&snapshot);
    let (first, second) = (value(&pool("one", "192.0.2.0/24")), value(&pool("two", "192.0.2.0/25")));
    let first = request(Operation::Create, Some(&first), None);
    let second = request(Operation::Create, Some(&second), None);
    assert!(reviewer.review(&first, 0).allowed());
    reviewer.see(&snapshot, 10);
    let refused = reviewer.review(&second, 10);
    assert_eq!(reasons(&refused), ["OverlappingAddresses"]);
    assert!(refused.depends_on_others);
    assert_eq!(reviewer.settles(), Some(1_000));
    assert!(reviewer.review(&first, 10).allowed(), "the same once more is no conflict");
    reviewer.see(&snapshot, 1_010);
    assert_eq!(reviewer.settles(), None);
    assert!(reviewer.review(&second, 1_010).allowed(), "it may never have been stored");
}

#[test]
fn what_is_seen_counts_in_place_of_what_was_admitted() {
    let before = pool("one", "192.0.2.0/24");
    let mut reviewer = reviewer(&cluster(&before));
    let old = value(&before);
    let wide = value(&before.replace("192.0.2.0/24", "192.0.2.0/23"));
    assert!(reviewer.review(&request(Operation::Update, Some(&wide), Some(&old)), 0).allowed());
    let second = value(&pool("two", "192.0.3.0/25"));
    let second = request(Operation::Create, Some(&second), None);
    // Something else changed; the pool is seen as it was.
    reviewer.see(&cluster(&(before.clone() + &peer("p", "198.51.100.1", ""))), 1);
    assert!(!reviewer.review(&second, 1).allowed());
    reviewer.see(&cluster(&before.replace("192.0.2.0/24", "192.0.2.0/26")), 2);
    assert!(reviewer.review(&second, 2).allowed());
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let mut reviewer = reviewer(&cluster(""));
    let first = value(&pool("one", "192.0.2.0/24"));
    let first = Request { dry_run: true, ..request(Operation::Create, Some(&first), None) };
    assert!(reviewer.review(&first, 0).allowed());
    let second = value(&pool("two", "192.0.2.0/25"));
    assert!(reviewer.review(&request(Operation::Create, Some(&second), None), 1).allowed());
}

#[test]
fn a_peer_that_was_just_admitted_keeps_its_profile() {
    let profile = object("v1beta1", "BFDProfile", "fast", "");
    let mut reviewer = reviewer(&cluster(&profile));
    let user = value(&peer("p", "198.51.100.1", ", bfdProfile: fast"));
    assert!(reviewer.review(&request(Operation::Create, Some(&user), None), 0).allowed());
    let profile = value(&profile);
    assert!(!reviewer.review(&request(Operation::Delete, None, Some(&profile)), 1).allowed());
}
