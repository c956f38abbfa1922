//! What an advertisement says of its routes, as the routers see it.

use crate::ground::{Ground, Wish, advertisement, object, pool};
use anyhow::Result;
use herald_e2e::cluster::{Route, Router};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALL: &[u8] = &[1, 2, 3];
const FOUR: &str = "198.51.100.50";
const SIX: &str = "2001:db8:100::50";
/// Of another pool.
const OTHER_FOUR: &str = "192.0.2.50";
const OTHER_SIX: &str = "2001:db8:50::50";

fn has(route: &Route, communities: &[&str], local_pref: u64) -> bool {
    let wanted: BTreeSet<&str> = communities.iter().copied().collect();
    let seen: BTreeSet<&str> = route.communities.iter().map(String::as_str).collect();
    // Only the router of the same AS is told a preference.
    seen == wanted && route.local_pref.is_none_or(|seen| seen == local_pref)
}

impl Ground {
    /// Both families' host routes of a Service are so at both routers.
    fn carry(&self, addresses: [&str; 2], communities: &[&str], local_pref: u64) -> Result<()> {
        for (address, length) in addresses.iter().zip([32, 128]) {
            for router in [Router::Bird, Router::Frr] {
                let wanted = |route: &Route| has(route, communities, local_pref);
                self.routes(router, &format!("{address}/{length}"), ALL, wanted)?;
            }
        }
        Ok(())
    }

    /// Two pools with a Service each, and an advertisement of the second one that says nothing.
    fn two_pools(&self) -> Result<()> {
        self.apply(&[
            pool("inside", &["198.51.100.0/24", "2001:db8:100::/120"]),
            pool("outside", &["192.0.2.0/24", "2001:db8:50::/120"]),
            advertisement("plain", json!({"ipAddressPools": ["outside"]})),
            object(
                "Community",
                "names",
                json!({"communities": [
                {"name": "gold", "value": "64500:7"}, {"name": "large", "value": "large:64500:7:8"}]}),
            ),
        ])?;
        self.services(&[
            Wish::new("inside").at(&[FOUR, SIX]),
            Wish::new("outside").at(&[OTHER_FOUR, OTHER_SIX]),
        ])
    }
}

/// Communities, large ones, aliases and local preference, alone and together; a Service of another pool has none of it.
// B47, B48, B49, B50, B51, B52, B53, B54, B55, B56, B57
pub fn of_an_advertisement(ground: &mut Ground) -> Result<()> {
    ground.two_pools()?;
    let rows: [(Value, &[&str], u64); 6] = [
        (json!({"communities": ["64500:100"], "localPref": 150}), &["64500:100"], 150),
        (json!({"communities": ["large:64500:1:2"], "localPref": 160}), &["64500:1:2"], 160),
        (json!({"localPref": 170}), &[], 170),
        (json!({"communities": ["64500:101"]}), &["64500:101"], 100),
        (json!({"communities": ["gold", "large"]}), &["64500:7", "64500:7:8"], 100),
        (
            json!({"ipAddressPoolSelectors": [{"matchLabels": {"row": "yes", "which": "inside"}}], "communities": ["64500:102"]}),
            &["64500:102"],
            100,
        ),
    ];
    ground.cluster.kube.run(&[
        "label",
        "ipaddresspool",
        "inside",
        "--namespace=metallb-system",
        "which=inside",
    ])?;
    for (mut spec, communities, local_pref) in rows {
        if spec["ipAddressPoolSelectors"].is_null() {
            spec["ipAddressPools"] = json!(["inside"]);
        }
        // Whole, so that nothing of the row before stays.
        ground.cluster.kube.run(&[
            "delete",
            "bgpadvertisement",
            "special",
            "--ignore-not-found",
            "--namespace=metallb-system",
        ])?;
        ground.apply(&[advertisement("special", spec)])?;
        ground.carry([FOUR, SIX], communities, local_pref)?;
        ground.carry([OTHER_FOUR, OTHER_SIX], &[], 100)?;
    }
    Ok(())
}

/// Two advertisements of one pool: the route carries what both say.
// B58
pub fn overlapping(ground: &mut Ground) -> Result<()> {
    ground.two_pools()?;
    ground.apply(&[
        advertisement(
            "one",
            json!({"ipAddressPools": ["inside"], "communities": ["64500:1"], "localPref": 120}),
        ),
        advertisement(
            "two",
            json!({"ipAddressPools": ["inside"], "communities": ["64500:2"], "localPref": 120}),
        ),
    ])?;
    ground.carry([FOUR, SIX], &["64500:1", "64500:2"], 120)?;
    ground.delete("bgpadvertisement", "one")?;
    ground.carry([FOUR, SIX], &["64500:2"], 120)
}

/// An advertisement is edited: communities, preference and length of the aggregate follow.
// B59, B60
pub fn edited(ground: &mut Ground) -> Result<()> {
    ground.two_pools()?;
    let edit = |spec: Value| ground.apply(&[advertisement("edited", spec)]);
    edit(json!({"ipAddressPools": ["inside"], "communities": ["64500:1"], "localPref": 110}))?;
    ground.carry([FOUR, SIX], &["64500:1"], 110)?;
    edit(json!({"ipAddressPools": ["inside"], "communities": ["64500:2", "64500:3"], "localPref": 120}))?;
    ground.carry([FOUR, SIX], &["64500:2", "64500:3"], 120)?;
    edit(json!({"ipAddressPools": ["inside"], "communities": ["64500:2"], "localPref": 120,
        "aggregationLength": 24, "aggregationLengthV6": 124}))?;
    for router in [Router::Bird, Router::Frr] {
        for prefix in ["198.51.100.0/24", "2001:db8:100::50/124"] {
            ground.routes(router, prefix, ALL, |route| has(route, &["64500:2"], 120))?;
        }
        let others = [&*format!("{OTHER_FOUR}/32"), &format!("{OTHER_SIX}/128")];
        ground.only(router, &[&["198.51.100.0/24", "2001:db8:100::50/124"], &others[..]].concat())?;
    }
    Ok(())
}
