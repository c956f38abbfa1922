//! `show bgp [vrf V] ipv4|ipv6 unicast PREFIX json`: one prefix in FRR's table.

use super::ShowError;
use super::lenient::{Keys, lenient, read};
use crate::config::NeighborId;
use crate::value::{Family, InterfaceName, Tag};
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A prefix that is in FRR's table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// The prefix, where FRR says it.
    pub prefix: Option<IpNet>,
    /// The path that this router has by itself: by `network`, or by `redistribute` (FRR's JSON does
    /// not tell them apart). Not one that was imported from another VRF.
    pub own: Option<OwnPath>,
    /// How many other paths there are: learnt from neighbors or imported.
    pub others: usize,
    /// The sessions that FRR has sent it to.
    pub advertised_to: BTreeSet<NeighborId>,
}

/// The path that a router has by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnPath {
    /// Its tag, set by the class' route-map.
    pub tag: Option<Tag>,
    /// Whether it is the one that FRR chose.
    pub best: bool,
}

/// The command whose answer [`route`] reads.
#[must_use]
pub fn route_command(vrf: Option<&InterfaceName>, prefix: IpNet) -> String {
    let vrf = vrf.map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
    format!("show bgp {vrf}{} unicast {prefix} json", Family::of(prefix.addr()))
}

/// Reads an answer. `None`: the prefix is not in the table, or the table is not there.
///
/// A path that FRR is about to remove counts as gone; `advertised_to` then still names the sessions
/// whose withdrawal is under way (bgpd holds changes for 50 ms).
pub fn route(answer: &str) -> Result<Option<Route>, ShowError> {
    let found: Found = match read(answer) {
        Ok(found) => found,
        Err(ShowError::Warned(_)) => return Ok(None),
        Err(why) => return Err(why),
    };
    let standing: Vec<Path> =
        found.paths.unwrap_or_default().into_iter().filter(|path| path.removed != Some(true)).collect();
    let sent = found.advertised_to.map(|keys| keys.0).unwrap_or_default();
    if standing.is_empty() && sent.is_empty() {
        return Ok(None);
    }
    let own = standing.iter().filter(|path| path.is_own()).map(Path::own);
    Ok(Some(Route {
        prefix: found.prefix.and_then(|prefix| prefix.parse().ok()),
        others: standing.iter().filter(|path| !path.is_own()).count(),
        // Several if a prefix is both listed and redistributed: the chosen one counts.
        own: own.reduce(|first, next| if next.best { next } else { first }),
        advertised_to: sent,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(default, deserialize_with = "lenient")]
    prefix: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    advertised_to: Option<Keys<NeighborId>>,
    #[serde(default, deserialize_with = "lenient")]
    paths: Option<Vec<Path>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    #[serde(default, deserialize_with = "lenient")]
    sourced: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    aggregated: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    removed: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    tag: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    bestpath: Option<Best>,
    /// FRR 10: the RD of the VRF that it was imported from.
    #[serde(default, deserialize_with = "lenient")]
    imported_from: Option<String>,
    /// Both: the VRF of the next hop, where it is another one.
    #[serde(default, deserialize_with = "lenient")]
    nh_vrf_name: Option<String>,
}

#[derive(Deserialize)]
struct Best {
    #[serde(default, deserialize_with = "lenient")]
    overall: Option<bool>,
}

impl Path {
    fn is_own(&self) -> bool {
        let local = self.sourced == Some(true) || self.aggregated == Some(true);
        local && self.imported_from.is_none() && self.nh_vrf_name.is_none()
    }

    fn own(&self) -> OwnPath {
        let best = self.bestpath.as_ref().and_then(|best| best.overall) == Some(true);
        OwnPath { tag: self.tag.and_then(Tag::new), best }
    }
}
