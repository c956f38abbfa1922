//! The kinds that are read: one line each.

use super::error::{InputError, nearest};
use super::reader::{Object, Reader};
use super::tree::shorten;
use crate::snapshot::Meta;
use herald_crds::metallb;

/// How an object of a kind gets into the Snapshot.
pub type Read = fn(&mut Reader, &Object<'_, '_>);

/// A kind that is read.
pub struct Kind {
    /// API group; empty is core.
    pub group: &'static str,
    /// Kind.
    pub name: &'static str,
    /// Versions, the preferred one last.
    pub versions: &'static [&'static str],
    /// Its objects are referred to by name alone.
    pub by_name: bool,
    /// Reads one.
    pub read: Read,
}

impl Kind {
    /// Whether it is a kind of Herald's own API groups.
    pub fn is_ours(&self) -> bool {
        OUR_GROUPS.contains(&self.group)
    }
}

const METALLB: &str = "metallb.io";
const FRRK8S: &str = "frrk8s.metallb.io";
const OUR_GROUPS: [&str; 2] = [METALLB, FRRK8S];
const V1BETA1: &[&str] = &["v1beta1"];
const V1: &[&str] = &["v1"];

/// Every kind that is read. Objects of all others are none of Herald's business.
const KINDS: &[Kind] = &[
    named("IPAddressPool", V1BETA1, |r, o| r.custom(o, |s| &mut s.pools)),
    named("L2Advertisement", V1BETA1, |r, o| r.custom(o, |s| &mut s.l2_advertisements)),
    named("BGPAdvertisement", V1BETA1, |r, o| r.custom(o, |s| &mut s.bgp_advertisements)),
    named("BGPPeer", &["v1beta1", "v1beta2"], |r, o| match o.version {
        "v1beta1" => r.converted(o, from_v1beta1, |s| &mut s.peers),
        _ => r.custom(o, |s| &mut s.peers),
    }),
    named("BFDProfile", V1BETA1, |r, o| r.custom(o, |s| &mut s.bfd_profiles)),
    named("Community", V1BETA1, |r, o| r.custom(o, |s| &mut s.communities)),
    checked(METALLB, "ServiceL2Status"),
    checked(METALLB, "ServiceBGPStatus"),
    checked(METALLB, "ConfigurationState"),
    checked(METALLB, "MetalLB"),
    unnamed(FRRK8S, "FRRConfiguration", |r, o| r.custom(o, |s| &mut s.frr_configurations)),
    checked(FRRK8S, "FRRNodeState"),
    checked(FRRK8S, "BGPSessionState"),
    unnamed(FRRK8S, "FRRK8sConfiguration", |r, o| r.custom(o, |s| &mut s.settings)),
    builtin("", "Service", Reader::service),
    builtin("", "Node", Reader::node),
    builtin("", "ConfigMap", Reader::config_map),
    builtin("", "Namespace", Reader::namespace),
    builtin("", "Secret", Reader::secret),
    builtin("discovery.k8s.io", "EndpointSlice", Reader::endpoint_slice),
    Kind {
        group: "networking.k8s.io",
        name: "ServiceCIDR",
        versions: &["v1beta1", "v1"],
        by_name: false,
        read: Reader::service_cidr,
    },
];

const fn named(name: &'static str, versions: &'static [&'static str], read: Read) -> Kind {
    Kind { group: METALLB, name, versions, by_name: true, read }
}

/// A kind whose schema is checked and that no decision reads.
const fn checked(group: &'static str, name: &'static str) -> Kind {
    unnamed(group, name, Reader::checked)
}

const fn unnamed(group: &'static str, name: &'static str, read: Read) -> Kind {
    Kind { group, name, versions: V1BETA1, by_name: false, read }
}

const fn builtin(group: &'static str, name: &'static str, read: Read) -> Kind {
    Kind { group, name, versions: V1, by_name: false, read }
}

fn from_v1beta1(old: metallb::v1beta1::BGPPeerSpec, meta: &Meta) -> metallb::BGPPeerSpec {
    metallb::BGPPeerSpec::from_v1beta1(old, meta.annotations.get(metallb::ANNOTATION))
}

/// The kind of a document; `None` where it is of no concern.
pub fn find(api_version: &str, kind: &str) -> Result<Option<&'static Kind>, InputError> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if let Some(found) = KINDS.iter().find(|k| k.group == group && k.name == kind) {
        return if found.versions.contains(&version) {
            Ok(Some(found))
        } else {
            let api = |v: &&str| if group.is_empty() { (*v).to_owned() } else { format!("{group}/{v}") };
            let known = found.versions.iter().map(api).collect::<Vec<_>>().join(", ");
            Err(InputError::UnknownVersion {
                kind: found.name,
                version: shorten(api_version).into_owned(),
                known,
            })
        };
    }
    let nearest = if OUR_GROUPS.contains(&group) {
        nearest_kind(group, kind)
    } else if group.len() <= 64 && OUR_GROUPS.iter().any(|ours| strsim::damerau_levenshtein(ours, group) <= 2)
    {
        nearest_kind(METALLB, kind).or_else(|| nearest_kind(FRRK8S, kind))
    } else {
        return Ok(None);
    };
    Err(InputError::UnknownKind {
        api_version: shorten(api_version).into_owned(),
        kind: shorten(kind).into_owned(),
        nearest,
    })
}

fn nearest_kind(group: &str, kind: &str) -> Option<String> {
    let best = nearest(kind, KINDS.iter().filter(|k| k.group == group).map(|k| k.name))?;
    let version = KINDS.iter().find(|k| k.name == best && k.group == group)?.versions.last()?;
    Some(format!("{best} of {group}/{version}"))
}
