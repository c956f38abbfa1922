//! What a configuration says is to be sent, against the model of FRR.

use super::interpreter::Fake;
use super::running;
use crate::arbitrary;
use crate::config::{Announcement, FrrConfig, NeighborId, Outbound};
use crate::statement::Vrf;
use crate::value::{Family, RawConfig};
use ipnet::IpNet;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn sessions(config: &FrrConfig) -> impl Iterator<Item = (&Vrf, &NeighborId, Outbound<'_>)> {
    config.routers.iter().flat_map(move |(vrf, router)| {
        router.neighbors.keys().map(move |id| (vrf, id, Outbound::of(config, vrf, id).unwrap()))
    })
}

fn every_prefix(config: &FrrConfig) -> Vec<IpNet> {
    config.routers.values().flat_map(|router| router.networks.keys()).copied().collect()
}

proptest! {
    #[test]
    fn what_is_wanted_is_sent_and_what_is_unwanted_is_not(config in arbitrary::config()) {
        let config = FrrConfig { raw: Vec::new(), ..config };
        let sent = Fake::of(&running(&config)).announced();
        for (vrf, id, outbound) in sessions(&config) {
            let own = &config.routers[vrf].networks;
            let wanted: Vec<IpNet> =
                [Family::V4, Family::V6].into_iter().flat_map(|family| outbound.wanted(family)).copied().collect();
            for prefix in &wanted {
                prop_assert!(own.contains_key(prefix));
                prop_assert!(sent.contains(&(vrf.clone(), id.clone(), *prefix)), "{id} is not sent {prefix}");
            }
            for prefix in every_prefix(&config) {
                let is_sent = sent.contains(&(vrf.clone(), id.clone(), prefix));
                match outbound.judge(&prefix) {
                    Announcement::Wanted => prop_assert!(is_sent && wanted.contains(&prefix)),
                    Announcement::Possible => prop_assert!(!own.contains_key(&prefix)),
                    // Where a prefix is both own and imported, the model of FRR sends either; FRR its own.
                    Announcement::Unwanted => prop_assert!(!is_sent || own.contains_key(&prefix)),
                }
            }
        }
    }
}

#[test]
fn hand_written_text_that_names_the_session_leaves_it_open() {
    let config = Strategy::new_tree(
        &arbitrary::config().prop_filter("a session", |config| sessions(config).next().is_some()),
        &mut TestRunner::deterministic(),
    );
    let mut config = config.unwrap().current();
    let (vrf, id) = sessions(&config).map(|(vrf, id, _)| (vrf.clone(), id.clone())).next().unwrap();
    let map = config.routers[&vrf].neighbors[&id].map_out.clone();
    let text = RawConfig::new(&format!("route-map {map} deny 1\n match tag 1"));
    config.raw = vec![crate::config::RawSnippet { text, origins: crate::config::Origins::new() }];
    let outbound = Outbound::of(&config, &vrf, &id).unwrap();
    assert_eq!(outbound.wanted(Family::V4).count() + outbound.wanted(Family::V6).count(), 0);
    for prefix in every_prefix(&config) {
        assert_eq!(outbound.judge(&prefix), Announcement::Possible);
    }
}
