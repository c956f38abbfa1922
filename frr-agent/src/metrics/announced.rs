//! What the loop alone knows: which Services the node announces, and after which answers of kube-proxy.

use super::text::{Kind, Page};
use crate::here::Counts;
use herald_core::snapshot::ServiceKey;
use std::net::IpAddr;

const FIRST: &str = "herald_first_endpoints_total";
const FIRST_HELP: &str =
    "First endpoints on the node that were announced, by what kube-proxy's health port had said of them.";
const ANNOUNCED: &str = "metallb_speaker_announced";
const ANNOUNCED_HELP: &str = "Services being announced from this node. This is desired state, it does not guarantee that the routing protocols have converged.";

/// The page of it; `all` are Services with addresses that are announced by BGP from `node`.
pub fn announced<'a>(
    node: &str,
    all: impl Iterator<Item = (&'a ServiceKey, IpAddr)>,
    counts: Counts,
) -> String {
    let mut page = Page::default();
    page.family(FIRST, Kind::Counter, FIRST_HELP);
    for (answer, count) in [
        ("not_yet", counts.not_yet),
        ("refused", counts.refused),
        ("served", counts.served),
        ("silent", counts.silent),
    ] {
        page.sample(FIRST, &[("answer", &answer)], count);
    }
    let mut begun = false;
    for (service, ip) in all {
        if !std::mem::replace(&mut begun, true) {
            page.family(ANNOUNCED, Kind::Gauge, ANNOUNCED_HELP);
        }
        let labels: [(&str, &dyn std::fmt::Display); 4] =
            [("ip", &ip), ("node", &node), ("protocol", &"bgp"), ("service", service)];
        page.sample(ANNOUNCED, &labels, 1);
    }
    page.text()
}
