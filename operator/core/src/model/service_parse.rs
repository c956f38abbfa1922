//! From a Service object to what it asks for.
//!
//! A malformed wish is a problem of that Service; the Service stays in the model, so that the ledger
//! can say what becomes of the address that it has.

use super::address::parse_ip;
use super::service::{Families, FamilyPolicy, Service, SharingKey};
use super::service_error::{FamilyError, RequestError, ServiceWarning};
use crate::problem::{FieldPath, Problem};
use crate::snapshot::{self, Meta, ServiceKey, ServiceType};
use herald_frr::shared::SharedMap;
use herald_frr::value::Family;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

/// The annotations that are read: what follows the prefix, both keys in full.
const POOL: Annotation = ("address-pool", "metallb.io/address-pool", "metallb.universe.tf/address-pool");
const ADDRESSES: Annotation =
    ("loadBalancerIPs", "metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs");
const SHARING: Annotation =
    ("allow-shared-ip", "metallb.io/allow-shared-ip", "metallb.universe.tf/allow-shared-ip");

type Annotation = (&'static str, &'static str, &'static str);

/// Which families pools have, for Services of which nothing else tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolFamilies {
    /// A pool has IPv4 addresses, or there is none.
    pub v4: bool,
}

/// All Services of type `LoadBalancer` and of our class.
pub(crate) fn collect(
    services: &SharedMap<ServiceKey, Arc<snapshot::Service>>,
    class: Option<&str>,
    pools: PoolFamilies,
    problems: &mut Vec<Problem>,
) -> BTreeMap<ServiceKey, Service> {
    let each = services.iter().filter_map(|(key, service)| {
        let parsed = one(service, class, pools, problems)?;
        Some((key.clone(), parsed))
    });
    each.collect()
}

/// One Service; `None` if it is not of type `LoadBalancer` or not of our class.
pub(crate) fn one(
    service: &snapshot::Service,
    class: Option<&str>,
    pools: PoolFamilies,
    problems: &mut Vec<Problem>,
) -> Option<Service> {
    if service.service_type != ServiceType::LoadBalancer {
        return None;
    }
    if let Some(other) = other_class(service, class) {
        let field = FieldPath::of("spec.loadBalancerClass");
        problems.push(Problem::warning(&service.meta.object, field, &ServiceWarning::OtherClass(other)));
        return None;
    }
    (service.asks.load_balancer_class.as_deref() == class).then(|| parse(service, pools, problems))
}

/// A class that is not ours.
fn other_class(service: &snapshot::Service, class: Option<&str>) -> Option<Arc<str>> {
    service.asks.load_balancer_class.clone().filter(|other| Some(&**other) != class)
}

fn parse(service: &snapshot::Service, pools: PoolFamilies, problems: &mut Vec<Problem>) -> Service {
    let meta = &service.meta;
    deprecated(meta, problems);
    let policy = policy(service, problems);
    let asked = asked(service);
    let families = families(service, policy, asked.as_deref().unwrap_or_default(), pools);
    let requested_ips = asked.and_then(|asked| check_families(asked, families.as_ref().ok()));
    if let Err(why) = &families {
        problems.push(Problem::error(&meta.object, FieldPath::of("spec.clusterIPs"), why));
    }
    if let Err(why) = &requested_ips {
        problems.push(Problem::error(&meta.object, asked_in(service), why));
    }
    for text in service.ingress.iter().filter_map(|ingress| ingress.as_ref().err()) {
        let why = ServiceWarning::StatusAddress(text.clone());
        problems.push(Problem::warning(&meta.object, FieldPath::of("status.loadBalancer.ingress"), &why));
    }
    let sharing = annotation(meta, &SHARING);
    Service {
        object: meta.object.clone(),
        labels: meta.labels.clone(),
        families,
        policy,
        requested_pool: annotation(meta, &POOL)
            .map(|(_, name)| name)
            .filter(|name| !name.is_empty())
            .map(Arc::from),
        requested_ips,
        sharing: SharingKey {
            sharing: sharing.map(|(_, key)| key).unwrap_or_default().into(),
            backend: backend(service).into(),
        },
        has_sharing_annotation: sharing.is_some(),
        ports: service.ports.iter().cloned().collect(),
        traffic_local: service.traffic_local,
        status_ips: service.ingress.iter().filter_map(|ingress| ingress.as_ref().ok().copied()).collect(),
    }
}

/// The annotation with the key that was found; the new prefix wins wherever it is there.
fn annotation<'a>(meta: &'a Meta, (_, new, old): &Annotation) -> Option<(&'static str, &'a str)> {
    let get = |key: &'static str| meta.annotations.get(key).map(|value| (key, value));
    get(new).or_else(|| get(old))
}

fn deprecated(meta: &Meta, problems: &mut Vec<Problem>) {
    for (suffix, new, old) in [POOL, ADDRESSES, SHARING] {
        if !meta.annotations.contains_key(old) {
            continue;
        }
        let ignored = if meta.annotations.contains_key(new) { "; that one is there and wins" } else { "" };
        let why = ServiceWarning::DeprecatedAnnotation { key: old, suffix, ignored };
        problems.push(Problem::warning(&meta.object, FieldPath::of("metadata.annotations").key(old), &why));
    }
}

fn policy(service: &snapshot::Service, problems: &mut Vec<Problem>) -> FamilyPolicy {
    match service.asks.ip_family_policy.as_deref() {
        None | Some("SingleStack") => FamilyPolicy::SingleStack,
        Some("PreferDualStack") => FamilyPolicy::PreferDualStack,
        Some("RequireDualStack") => FamilyPolicy::RequireDualStack,
        Some(other) => {
            let why = ServiceWarning::FamilyPolicy(other.into());
            let field = FieldPath::of("spec.ipFamilyPolicy");
            problems.push(Problem::warning(&service.meta.object, field, &why));
            FamilyPolicy::SingleStack
        }
    }
}

/// The field that asks for addresses.
fn asked_in(service: &snapshot::Service) -> FieldPath {
    match annotation(&service.meta, &ADDRESSES) {
        Some((key, _)) => FieldPath::of("metadata.annotations").key(key),
        None => FieldPath::of("spec.loadBalancerIP"),
    }
}

/// The addresses that the Service asks for, whatever their families.
fn asked(service: &snapshot::Service) -> Result<Vec<IpAddr>, RequestError> {
    let by_field = service.asks.load_balancer_ip.as_deref().filter(|text| !text.is_empty());
    let by_annotation = annotation(&service.meta, &ADDRESSES).map(|(_, text)| text).filter(|t| !t.is_empty());
    let list = match (by_field, by_annotation) {
        (Some(_), Some(_)) => return Err(RequestError::Both),
        (None, None) => return Ok(Vec::new()),
        (Some(text), None) => vec![text],
        (None, Some(list)) => list.split(',').map(str::trim).collect(),
    };
    let address = |text: &str| parse_ip(text).ok_or_else(|| RequestError::Address(text.into()));
    list.into_iter().map(address).collect()
}

/// One address for each family of the Service, or none.
fn check_families(asked: Vec<IpAddr>, families: Option<&Families>) -> Result<Vec<IpAddr>, RequestError> {
    let given: Vec<Family> = asked.iter().map(|address| Family::of(*address)).collect();
    let fits = match (families, &given[..]) {
        // What cannot be told cannot be checked; the Service has a problem of its own.
        (_, []) | (None, _) => true,
        (Some(Families::Single(family)), [given]) => family == given,
        (Some(Families::Dual { .. }), [one, other]) => one != other,
        _ => false,
    };
    let text = || asked.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    if fits { Ok(asked) } else { Err(RequestError::Family(text().into())) }
}

/// As MetalLB: the families of the cluster addresses. A manifest in Git has none: there
/// `spec.ipFamilies` tells, else the addresses that are asked for, else the policy.
fn families(
    service: &snapshot::Service,
    policy: FamilyPolicy,
    asked: &[IpAddr],
    pools: PoolFamilies,
) -> Result<Families, FamilyError> {
    let named: Vec<Family> = service.asks.ip_families.iter().filter_map(|name| family_named(name)).collect();
    if !service.cluster_ips.is_empty() {
        return cluster_families(&service.cluster_ips, &named, policy);
    }
    let dual = policy != FamilyPolicy::SingleStack;
    let primary = named.first().copied();
    Ok(match (primary, asked) {
        (Some(primary), _) if dual || named.len() > 1 => Families::Dual { primary },
        (Some(primary), _) => Families::Single(primary),
        (None, [one]) if policy != FamilyPolicy::RequireDualStack => Families::Single(Family::of(*one)),
        (None, [one, other]) if one.is_ipv4() != other.is_ipv4() => {
            Families::Dual { primary: Family::of(*one) }
        }
        (None, _) => {
            let family = if pools.v4 { Family::V4 } else { Family::V6 };
            if dual { Families::Dual { primary: family } } else { Families::Single(family) }
        }
    })
}

fn family_named(name: &str) -> Option<Family> {
    match name {
        "IPv4" => Some(Family::V4),
        "IPv6" => Some(Family::V6),
        _ => None,
    }
}

fn cluster_families(
    cluster_ips: &[Arc<str>],
    named: &[Family],
    policy: FamilyPolicy,
) -> Result<Families, FamilyError> {
    if cluster_ips.iter().any(|address| &**address == "None") {
        return Err(FamilyError::Headless);
    }
    let family =
        |text: &Arc<str>| parse_ip(text).map(Family::of).ok_or_else(|| FamilyError::Address(text.clone()));
    let families: Vec<Family> = cluster_ips.iter().map(family).collect::<Result<_, _>>()?;
    match families[..] {
        [_] if policy == FamilyPolicy::RequireDualStack => Err(FamilyError::NotDual),
        [family] => Ok(Families::Single(family)),
        [one, other] if one != other => Ok(Families::Dual { primary: named.first().copied().unwrap_or(one) }),
        _ => Err(FamilyError::Count),
    }
}

/// Services that send traffic only to local endpoints share an address only if those are the same:
/// the selector as one text, never the empty one.
fn backend(service: &snapshot::Service) -> String {
    let mut text = String::new();
    if service.traffic_local {
        text.push('{');
        for (key, value) in &*service.selector {
            // Writing to a String cannot fail.
            let _ = write!(text, "{key}={value},");
        }
        text.push('}');
    }
    text
}
