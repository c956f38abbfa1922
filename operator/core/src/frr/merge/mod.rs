//! Merging everything that one node's FRR is asked for.
//!
//! BGPPeers come first, then the FRRConfigurations in a fixed order. What conflicts with what is
//! merged already is left out, with a problem; nothing else stops.

mod evpn;
mod neighbor;
mod router;
mod settle;

pub(crate) use evpn::{extend as extend_policy, policy_difference};
pub(crate) use neighbor::MergedNeighbor;
pub(crate) use router::MergedRouter;

use super::conflict::{Conflict, ConflictKind, clash};
use super::contribution::{Contribution, RawPart, Source};
use crate::model::{BfdProfile, Peer};
use crate::problem::{FieldPath, Problem};
use herald_frr::config;
use herald_frr::value::{FrrName, InterfaceName, Vni};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A VRF; `None` is the default one.
pub(crate) type Vrf = Option<InterfaceName>;

/// How a VRF is written in messages: upstream writes the default one as nothing.
pub(crate) fn vrf_text(vrf: &Vrf) -> String {
    vrf.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// What Services ask of a neighbor: the local preference of a prefix and who sets it.
pub(crate) trait ServicePreference {
    /// The local preference that a Service's prefix has towards a neighbor with these BGPPeers.
    fn local_pref(&self, peers: &BTreeSet<Arc<str>>, prefix: &IpNet) -> Option<(u32, Arc<Source>)>;
}

/// No Services at all.
pub(crate) struct NoServices;

impl ServicePreference for NoServices {
    fn local_pref(&self, _: &BTreeSet<Arc<str>>, _: &IpNet) -> Option<(u32, Arc<Source>)> {
        None
    }
}

/// All that is merged so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Merged {
    pub routers: BTreeMap<Vrf, MergedRouter>,
    pub bfd_profiles: BTreeMap<FrrName, (config::BfdProfile, Arc<Source>)>,
    pub raw: Vec<RawPart>,
    vnis: BTreeMap<Vni, evpn::VniUse>,
}

/// Merges all that one node is asked for; what was left out is a problem.
pub(crate) fn merge<'a>(
    peers: &[&Peer],
    profiles: impl Iterator<Item = &'a BfdProfile>,
    contributions: &[&Contribution],
    services: &dyn ServicePreference,
) -> (Merged, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut base = Merged::default();
    for profile in profiles {
        let source = Source::new(&profile.object, FieldPath::default());
        let name = FrrName::from_text(&profile.object.name);
        base.bfd_profiles.insert(name, (profile.profile.clone(), source));
    }
    for peer in peers {
        if let Err(conflict) = base.add_peer(peer) {
            problems.push(conflict.problem(&peer.object));
        }
    }
    let merged = settle::settle(&base, contributions, services, &mut problems);
    (merged, problems)
}

impl Merged {
    /// Adds one object; on a conflict what is left is not to be used.
    pub(crate) fn add(
        &mut self,
        part: &Contribution,
        services: &dyn ServicePreference,
    ) -> Result<(), Conflict> {
        for (name, profile) in &part.bfd_profiles {
            self.add_bfd_profile(name, profile, part)?;
        }
        for router in &part.routers {
            self.add_router(router, services)?;
        }
        if let Some(raw) = &part.raw {
            self.raw.push(raw.clone());
        }
        Ok(())
    }

    fn add_bfd_profile(
        &mut self,
        name: &FrrName,
        profile: &config::BfdProfile,
        part: &Contribution,
    ) -> Result<(), Conflict> {
        let field = FieldPath::of("spec.bgp.bfdProfiles");
        match self.bfd_profiles.get_mut(name) {
            Some((known, by)) if !same_profile(known, profile) => {
                let subject = format!("bfd profile {name}");
                let what = "duplicate bfd profile name with different values";
                let clash = clash(what, &subject, &bfd_text(profile), &bfd_text(known), by);
                Err(Conflict::new(field, ConflictKind::BfdProfile(clash)))
            }
            Some((known, _)) => {
                known.origins.extend(profile.origins.iter().cloned());
                Ok(())
            }
            None => {
                let source = Source::new(&part.object, field);
                self.bfd_profiles.insert(name.clone(), (profile.clone(), source));
                Ok(())
            }
        }
    }
}

/// Whether two profiles say the same; where they come from does not count.
fn same_profile(a: &config::BfdProfile, b: &config::BfdProfile) -> bool {
    let bare = |p: &config::BfdProfile| config::BfdProfile { origins: config::Origins::new(), ..p.clone() };
    bare(a) == bare(b)
}

fn bfd_text(profile: &config::BfdProfile) -> String {
    let number = |name: &str, value: Option<u16>| value.map(|v| format!("{name} {v}"));
    let set = |name: &str, on: bool| on.then(|| name.to_owned());
    let parts = [
        number("receive", profile.receive_interval),
        number("transmit", profile.transmit_interval),
        number("multiplier", profile.detect_multiplier.map(u16::from)),
        number("echo", profile.echo_interval),
        set("echo-mode", profile.echo_mode),
        set("passive", profile.passive_mode),
        number("ttl", profile.minimum_ttl.map(u16::from)),
    ];
    let text: Vec<String> = parts.into_iter().flatten().collect();
    if text.is_empty() { "defaults".to_owned() } else { text.join(", ") }
}
