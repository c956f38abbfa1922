//! What holds for any input.

use super::{build, object, snapshot};
use crate::duration;
use crate::model::community::parse_value;
use crate::model::{AddressRange, InForce, Model, Options};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

/// Few addresses, so that pools often overlap.
fn pools() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((0..8_u8, 0..60_u8, 0..20_u8), 0..8)
}

fn manifests(pools: &[(u8, u8, u8)]) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let unique = pools.iter().filter(|(name, ..)| seen.insert(*name));
    unique
        .map(|(name, first, length)| {
            let addresses = format!("{{addresses: [192.0.2.{first}-192.0.2.{}]}}", first + length);
            object("IPAddressPool", "v1beta1", &format!("p{name}"), &addresses)
        })
        .collect()
}

fn ranges(model: &Model) -> Vec<(String, AddressRange)> {
    let of_pool = |pool: &crate::model::Pool| {
        let name = pool.object.name.to_string();
        pool.ranges.iter().map(move |range| (name.clone(), *range)).collect::<Vec<_>>()
    };
    model.pools.values().flat_map(of_pool).collect()
}

/// Applies one state of the folder after the other, and each twice.
fn never_overlap_and_are_stable(history: &[Vec<(u8, u8, u8)>]) -> Result<InForce, TestCaseError> {
    let mut in_force = InForce::default();
    for pools in history {
        let snapshot = snapshot(&manifests(pools));
        let built = Model::build(&snapshot, &in_force, &Options::default());
        let all = ranges(&built.model);
        for (index, (_, range)) in all.iter().enumerate() {
            prop_assert!(!all[..index].iter().any(|(_, other)| other.overlaps(range)));
        }
        let again = Model::build(&snapshot, &built.in_force, &Options::default());
        prop_assert_eq!(all, ranges(&again.model));
        prop_assert_eq!(&built.in_force, &again.in_force);
        prop_assert_eq!(&built.problems, &again.problems);
        in_force = built.in_force;
    }
    Ok(in_force)
}

#[test]
fn a_refused_edit_does_not_cost_another_edit_its_place() {
    // p0 grows over p4, which only shrinks: p4 gets its new form at once, not when it is asked again.
    let history = [vec![(1, 0, 0), (0, 1, 0), (4, 19, 14)], vec![(4, 21, 12), (0, 17, 18), (2, 34, 0)]];
    let in_force = never_overlap_and_are_stable(&history).unwrap();
    let addresses = |name: &str| {
        let mut forms = in_force.pools.iter().filter(|(key, _)| key.ends_with(name));
        forms.next().map(|(_, form)| form.spec.addresses.join(","))
    };
    assert_eq!(addresses("/p0").as_deref(), Some("192.0.2.1-192.0.2.1"));
    assert_eq!(addresses("/p4").as_deref(), Some("192.0.2.21-192.0.2.33"));
    assert_eq!(addresses("/p2").as_deref(), Some("192.0.2.34-192.0.2.34"));
}

proptest! {
    #[test]
    fn pools_in_force_never_overlap_and_the_answer_is_stable(history in prop::collection::vec(pools(), 1..5)) {
        never_overlap_and_are_stable(&history)?;
    }

    #[test]
    fn the_order_of_documents_does_not_matter(pools in pools()) {
        let mut seen = std::collections::BTreeSet::new();
        let mut unique = pools;
        unique.retain(|(name, ..)| seen.insert(*name));
        let forward = ranges(&build(&manifests(&unique)).model);
        unique.reverse();
        prop_assert_eq!(forward, ranges(&build(&manifests(&unique)).model));
    }

    #[test]
    fn a_range_is_exactly_its_prefixes(first: u32, length in 0..5000_u32) {
        let address = |number: u32| IpAddr::V4(Ipv4Addr::from(number));
        let last = first.saturating_add(length);
        let range = AddressRange::new(address(first), address(last)).unwrap();
        let sizes: u64 = range.prefixes().iter().map(|net| 1_u64 << (32 - net.prefix_len())).sum();
        prop_assert_eq!(sizes, u64::from(last - first) + 1);
        prop_assert_eq!(AddressRange::parse(&range.to_string()).unwrap(), range);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC*", near in "[0-9a-f:./ -]{0,40}", go in "[0-9.hmsnuµ+-]{0,30}") {
        for text in [&text, &near, &go] {
            let _ = AddressRange::parse(text);
            let _ = parse_value(text);
            let _ = duration::parse(text);
        }
    }

    #[test]
    fn a_community_reads_back_as_it_is_written(text in "(large:)?[0-9]{1,11}(:[0-9]{1,11}){1,2}") {
        if let Ok(community) = parse_value(&text) {
            prop_assert_eq!(parse_value(&community.to_string()), Ok(community));
        }
    }
}
