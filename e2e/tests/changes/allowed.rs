//! What a configuration announces to a neighbor: read off the types, by FRR's rules for route-maps.

use herald_frr::config::{Action, FrrConfig, NeighborId, PrefixRule, RouteMapEntry};
use herald_frr::value::{Family, FrrName, Tag};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// The prefixes that the neighbor of the default VRF is sent, as text.
pub fn to(config: &FrrConfig, id: &NeighborId) -> BTreeSet<String> {
    let Some(router) = config.routers.get(&None) else { return BTreeSet::new() };
    let Some(neighbor) = router.neighbors.get(id) else { return BTreeSet::new() };
    let imported = router.imports.iter().filter_map(|vrf| config.routers.get(vrf));
    let mut table: BTreeMap<IpNet, Option<Tag>> = BTreeMap::new();
    // A prefix of its own is preferred to an imported one.
    for from in imported.chain([router]) {
        table.extend(from.networks.iter().map(|(net, network)| (*net, tag(config, network.class.as_ref()))));
    }
    let speaks = |net: &IpNet| neighbor.families.contains(&Family::of(net.addr()).into());
    let entries = config.route_maps.get(&neighbor.map_out).map(|map| &map.entries);
    let permitted = |net: &IpNet, tag: Option<Tag>| {
        let mut entries = entries.into_iter().flat_map(BTreeMap::values);
        entries
            .find(|entry| matches(config, entry, net, tag))
            .is_some_and(|entry| entry.action == Action::Permit)
    };
    let sent = table.into_iter().filter(|(net, tag)| speaks(net) && permitted(net, *tag));
    sent.map(|(net, _)| net.to_string()).collect()
}

fn tag(config: &FrrConfig, class: Option<&FrrName>) -> Option<Tag> {
    config.route_maps.get(class?)?.entries.values().find_map(|entry| entry.sets.tag)
}

fn matches(config: &FrrConfig, entry: &RouteMapEntry, net: &IpNet, tag: Option<Tag>) -> bool {
    let by_tag = entry.matches.tag.is_none_or(|wanted| tag == Some(wanted));
    let by_list = entry.matches.prefix_list.as_ref().is_none_or(|(family, name)| {
        let list = config.prefix_lists.get(&(name.clone(), *family));
        let rule = list.and_then(|list| list.rules.values().find(|rule| hits(rule, net)));
        rule.is_some_and(|rule| rule.action == Action::Permit)
    });
    by_tag && by_list
}

fn hits(rule: &PrefixRule, net: &IpNet) -> bool {
    let least = rule.ge.unwrap_or(rule.net.prefix_len());
    let most =
        rule.le.unwrap_or(if rule.ge.is_some() { rule.net.max_prefix_len() } else { rule.net.prefix_len() });
    rule.net.contains(net) && (least..=most).contains(&net.prefix_len())
}
