//! Objects that follow each other before the first is seen.

use super::*;
use crate::admission::Recent;

#[test]
fn what_was_admitted_counts_before_it_is_seen() {
    let snapshot = cluster("");
    let reviewer = reviewer(&snapshot);
    let mut recent = Recent::default();
    let first = value(&pool("one", "192.0.2.0/24"));
    let second = value(&pool("two", "192.0.2.0/25"));
    let (first, second) =
        (request(Operation::Create, Some(&first), None), request(Operation::Create, Some(&second), None));
    assert!(reviewer.review(&first, &recent, 0).allowed());
    reviewer.admitted(&first, &mut recent, 0);
    let refused = reviewer.review(&second, &recent, 10);
    assert_eq!(reasons(&refused), ["OverlappingAddresses"]);
    assert!(refused.depends_on_others);
    assert!(reviewer.review(&second, &recent, 2_000).allowed(), "it may never have been stored");
}

#[test]
fn what_is_seen_counts_in_place_of_what_was_admitted() {
    let before = pool("one", "192.0.2.0/24");
    let mut recent = Recent::default();
    let wide = value(&before.replace("192.0.2.0/24", "192.0.2.0/23"));
    reviewer(&cluster(&before)).admitted(&request(Operation::Update, Some(&wide), None), &mut recent, 0);
    let second = value(&pool("two", "192.0.3.0/25"));
    let second = request(Operation::Create, Some(&second), None);
    assert!(!reviewer(&cluster(&before)).review(&second, &recent, 1).allowed());
    let after = cluster(&before.replace("192.0.2.0/24", "192.0.2.0/26"));
    assert!(reviewer(&after).review(&second, &recent, 1).allowed());
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let snapshot = cluster("");
    let reviewer = reviewer(&snapshot);
    let mut recent = Recent::default();
    let first = value(&pool("one", "192.0.2.0/24"));
    let first = Request { dry_run: true, ..request(Operation::Create, Some(&first), None) };
    reviewer.admitted(&first, &mut recent, 0);
    let second = value(&pool("two", "192.0.2.0/25"));
    assert!(reviewer.review(&request(Operation::Create, Some(&second), None), &recent, 1).allowed());
}
