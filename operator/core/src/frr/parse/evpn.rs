//! `evpn`.

use super::error::ContributionError as Error;
use super::sink::Sink;
use crate::frr::contribution::{EvpnPart, L3Vni};
use crate::frr::merge::{extend_policy, policy_difference};
use crate::problem::FieldPath;
use herald_crds::frrk8s::{AdvertiseVNIs, EVPN, L2VNI, L3VNI};
use herald_frr::config::{RouteTarget, VniPolicy};
use herald_frr::value::{ValueError, Vni};
use std::collections::{BTreeMap, BTreeSet};

/// L2VNIs that the schema allows.
const L2VNIS: usize = 10;
/// Route targets of a VNI that the schema allows, each way.
const TARGETS: usize = 100;

pub(super) fn evpn(spec: &EVPN, field: &FieldPath, sink: &mut Sink<'_>) -> EvpnPart {
    let list = field.key("l2vnis");
    sink.at_most(&list, spec.l2vnis.len(), L2VNIS);
    let mut l2vnis: BTreeMap<Vni, VniPolicy> = BTreeMap::new();
    for (at, l2vni) in spec.l2vnis.iter().enumerate() {
        let field = list.index(at);
        let Some((vni, policy)) = self::l2vni(l2vni, &field, sink) else { continue };
        let known = l2vnis.entry(vni).or_insert_with(|| policy.clone());
        if let Some((what, first, second)) = policy_difference(known, &policy) {
            sink.error(field, Error::DuplicateVni { vni: vni.get(), what, first, second });
        } else {
            extend_policy(known, &policy);
        }
    }
    EvpnPart {
        advertise_all_vni: spec.advertise_vnis == Some(AdvertiseVNIs::All),
        advertise_svi_ip: spec.advertise_svi.unwrap_or_default(),
        l2vnis,
        l3vni: spec.l3vni.as_ref().and_then(|l3| l3vni(l3, &field.key("l3vni"), sink)),
    }
}

fn l2vni(spec: &L2VNI, field: &FieldPath, sink: &mut Sink<'_>) -> Option<(Vni, VniPolicy)> {
    let given = Given { rd: spec.rd.as_deref(), import: &spec.import_rts, export: &spec.export_rts };
    let policy = policy(&given, field, sink);
    Some((sink.take(&field.key("vni"), Vni::try_from(i64::from(spec.vni)))?, policy))
}

fn l3vni(spec: &L3VNI, field: &FieldPath, sink: &mut Sink<'_>) -> Option<L3Vni> {
    let given = Given { rd: spec.rd.as_deref(), import: &spec.import_rts, export: &spec.export_rts };
    let policy = policy(&given, field, sink);
    if spec.advertise_prefixes.len() != 1 {
        sink.error(field.key("advertisePrefixes"), Error::AdvertisePrefixes);
    }
    Some(L3Vni { vni: sink.take(&field.key("vni"), Vni::try_from(i64::from(spec.vni)))?, policy })
}

struct Given<'a> {
    rd: Option<&'a str>,
    import: &'a [String],
    export: &'a [String],
}

fn policy(given: &Given<'_>, field: &FieldPath, sink: &mut Sink<'_>) -> VniPolicy {
    let rd = given.rd.filter(|rd| !rd.is_empty());
    VniPolicy {
        rd: rd.and_then(|rd| sink.take(&field.key("rd"), rd.parse())),
        import_targets: targets(given.import, &field.key("importRTs"), true, sink),
        export_targets: targets(given.export, &field.key("exportRTs"), false, sink),
    }
}

fn targets(
    given: &[String],
    field: &FieldPath,
    wildcard: bool,
    sink: &mut Sink<'_>,
) -> BTreeSet<RouteTarget> {
    sink.at_most(field, given.len(), TARGETS);
    let target = |text: &String| -> Result<RouteTarget, Error> {
        let target: RouteTarget = text.parse().map_err(|why: ValueError| Error::Value(why))?;
        if wildcard || !target.is_wildcard() { Ok(target) } else { Err(Error::WildcardExport) }
    };
    let parsed = given.iter().enumerate();
    parsed.filter_map(|(at, text)| sink.take(&field.index(at), target(text))).collect()
}
