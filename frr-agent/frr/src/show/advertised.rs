//! `show bgp [vrf V] ipv4|ipv6 unicast neighbors N advertised-routes json`: the adj-RIB-out.

use super::ShowError;
use super::lenient::{Keys, read};
use crate::diff::Session;
use crate::value::Family;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The command whose answer [`advertised`] reads.
#[must_use]
pub fn advertised_command(session: &Session, family: Family) -> String {
    let vrf = session.vrf.as_ref().map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
    format!("show bgp {vrf}{family} unicast neighbors {} advertised-routes json", session.neighbor)
}

/// Reads the answer: the prefixes that the neighbor was sent.
///
/// `Warned` where FRR has no such session or the family is not active on it. A session that is down
/// has none.
pub fn advertised(answer: &str) -> Result<BTreeSet<IpNet>, ShowError> {
    Ok(read::<Advertised>(answer)?.advertised_routes.0)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Advertised {
    #[serde(default)]
    advertised_routes: Keys<IpNet>,
}
