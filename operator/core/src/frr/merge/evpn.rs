//! Merging `evpn` sections.

use super::{Merged, MergedRouter, Vrf, vrf_text};
use crate::frr::conflict::{Conflict, ConflictKind, clash};
use crate::frr::contribution::{EvpnPart, Source};
use crate::problem::ObjectRef;
use herald_frr::config::{RouteTarget, VniPolicy};
use herald_frr::value::Vni;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Who uses a VNI, and for what: a number has one use on a node.
#[derive(Debug, Clone)]
pub(super) struct VniUse {
    pub vrf: Vrf,
    pub kind: &'static str,
    pub by: Arc<Source>,
}

impl VniUse {
    pub(super) fn claim(self, vni: Vni, known: &mut BTreeMap<Vni, Self>) -> Result<(), Conflict> {
        match known.get(&vni) {
            Some(other) if other.vrf != self.vrf || other.kind != self.kind => {
                let said = |u: &Self| format!("{} in vrf {:?}", u.kind, vrf_text(&u.vrf));
                let clash = clash("duplicate VNI", &vni, &said(&self), &said(other), &other.by);
                Err(Conflict::new(self.by.field.key("evpn"), ConflictKind::Evpn(clash)))
            }
            _ => {
                known.insert(vni, self);
                Ok(())
            }
        }
    }
}

impl MergedRouter {
    pub(super) fn add_evpn(
        &mut self,
        given: &EvpnPart,
        source: &Arc<Source>,
        vrf: &Vrf,
    ) -> Result<(), Conflict> {
        for (known, by) in &self.evpn {
            if let Some((field, what, given, other)) = difference(given, known) {
                let clash = clash(&what, &format!("vrf {:?}", vrf_text(vrf)), &given, &other, by);
                let field = source.field.key("evpn").key(field);
                return Err(Conflict::new(field, ConflictKind::Evpn(clash)));
            }
        }
        self.evpn.push((given.clone(), Arc::clone(source)));
        Ok(())
    }

    /// All `evpn` sections together.
    pub(crate) fn merged_evpn(&self) -> Option<EvpnPart> {
        let mut parts = self.evpn.iter().map(|(part, _)| part);
        let first = parts.next()?.clone();
        Some(parts.fold(first, |mut whole, part| {
            for (vni, policy) in &part.l2vnis {
                extend(whole.l2vnis.entry(*vni).or_default(), policy);
            }
            match (&mut whole.l3vni, &part.l3vni) {
                (Some(known), Some(more)) => extend(&mut known.policy, &more.policy),
                (known @ None, more) => known.clone_from(more),
                (Some(_), None) => {}
            }
            whole
        }))
    }
}

impl Merged {
    /// Objects whose EVPN has nobody to exchange routes with.
    pub(super) fn lonely_evpn(&self) -> Vec<(ObjectRef, Conflict)> {
        let mut lonely = Vec::new();
        for (vrf, router) in &self.routers {
            let met = router.neighbors.values().any(|n| n.sessions.iter().any(|(s, _)| s.evpn));
            for (_, by) in router.evpn.iter().filter(|(part, _)| !met && part.needs_neighbor()) {
                let kind = ConflictKind::EvpnNeighbor(vrf_text(vrf));
                lonely.push((by.object.clone(), Conflict::new(by.field.key("evpn"), kind)));
            }
        }
        lonely.dedup_by(|a, b| a.0 == b.0);
        lonely
    }
}

/// Takes over what a policy lacks from one that does not differ.
pub(crate) fn extend(known: &mut VniPolicy, more: &VniPolicy) {
    if known.rd.is_none() {
        known.rd.clone_from(&more.rd);
    }
    known.import_targets.extend(more.import_targets.iter().cloned());
    known.export_targets.extend(more.export_targets.iter().cloned());
}

type Difference = (&'static str, String, String, String);

fn difference(given: &EvpnPart, known: &EvpnPart) -> Option<Difference> {
    let flag = |field, what: &str, a: bool, b: bool| {
        (a != b).then(|| (field, format!("different {what}"), a.to_string(), b.to_string()))
    };
    flag("advertiseVNIs", "advertiseVNIs", given.advertise_all_vni, known.advertise_all_vni)
        .or_else(|| flag("advertiseSVI", "advertiseSVI", given.advertise_svi_ip, known.advertise_svi_ip))
        .or_else(|| {
            given.l2vnis.iter().find_map(|(vni, policy)| {
                let (what, a, b) = policy_difference(policy, known.l2vnis.get(vni)?)?;
                Some(("l2vnis", format!("l2vni {vni}: {what}"), a, b))
            })
        })
        .or_else(|| l3vni_difference(given, known))
}

fn l3vni_difference(given: &EvpnPart, known: &EvpnPart) -> Option<Difference> {
    let (a, b) = (given.l3vni.as_ref()?, known.l3vni.as_ref()?);
    if a.vni != b.vni {
        let what = "different l3vni numbers".to_owned();
        return Some(("l3vni", what, a.vni.to_string(), b.vni.to_string()));
    }
    let (what, a, b) = policy_difference(&a.policy, &b.policy)?;
    Some(("l3vni", format!("l3vni: {what}"), a, b))
}

/// How two policies of one VNI differ: in words, and both values.
pub(crate) fn policy_difference(a: &VniPolicy, b: &VniPolicy) -> Option<(String, String, String)> {
    if let (Some(a), Some(b)) = (&a.rd, &b.rd)
        && a != b
    {
        return Some(("different RD values".to_owned(), a.to_string(), b.to_string()));
    }
    mixed("import", &a.import_targets, &b.import_targets)
        .or_else(|| mixed("export", &a.export_targets, &b.export_targets))
}

/// Without route targets FRR derives them; one object that names some and one that does not disagree.
fn mixed(
    side: &str,
    a: &BTreeSet<RouteTarget>,
    b: &BTreeSet<RouteTarget>,
) -> Option<(String, String, String)> {
    let said = |set: &BTreeSet<RouteTarget>| {
        if set.is_empty() {
            return "derived".to_owned();
        }
        set.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    (a.is_empty() != b.is_empty())
        .then(|| (format!("mixing implicit and explicit {side} route targets"), said(a), said(b)))
}
