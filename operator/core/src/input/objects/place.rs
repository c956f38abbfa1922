//! An object into its place among those of its kind, and out of it.

use super::Kind;
use crate::problem::ObjectRef;
use crate::snapshot::{Configuration, Custom, SliceKey, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A list of the Configuration, sorted by namespace and name.
struct List<T> {
    get: fn(&Configuration) -> &Vec<T>,
    get_mut: fn(&mut Configuration) -> &mut Vec<T>,
    key: fn(&T) -> (&str, &str),
}

fn custom<S>(
    get: fn(&Configuration) -> &Vec<Custom<S>>,
    get_mut: fn(&mut Configuration) -> &mut Vec<Custom<S>>,
) -> List<Custom<S>> {
    List { get, get_mut, key: |item| of(&item.meta.object) }
}

fn of(object: &ObjectRef) -> (&str, &str) {
    (&object.namespace, &object.name)
}

/// What is done with the list of a kind.
trait Visit {
    type Answer;

    fn list<T: Clone + PartialEq>(self, list: &List<T>) -> Self::Answer;
}

/// `None` for kinds that have no list.
fn visit<V: Visit>(kind: Kind, visitor: V) -> Option<V::Answer> {
    Some(match kind {
        Kind::IpAddressPool => visitor.list(&custom(|c| &c.pools, |c| &mut c.pools)),
        Kind::L2Advertisement => {
            visitor.list(&custom(|c| &c.l2_advertisements, |c| &mut c.l2_advertisements))
        }
        Kind::BgpAdvertisement => {
            visitor.list(&custom(|c| &c.bgp_advertisements, |c| &mut c.bgp_advertisements))
        }
        Kind::BgpPeer => visitor.list(&custom(|c| &c.peers, |c| &mut c.peers)),
        Kind::BfdProfile => visitor.list(&custom(|c| &c.bfd_profiles, |c| &mut c.bfd_profiles)),
        Kind::Community => visitor.list(&custom(|c| &c.communities, |c| &mut c.communities)),
        Kind::FrrConfiguration => {
            visitor.list(&custom(|c| &c.frr_configurations, |c| &mut c.frr_configurations))
        }
        Kind::FrrK8sConfiguration => visitor.list(&custom(|c| &c.settings, |c| &mut c.settings)),
        Kind::ConfigMap => visitor.list(&custom(|c| &c.bgp_extras, |c| &mut c.bgp_extras)),
        Kind::Node => {
            visitor.list(&List { get: |c| &c.nodes, get_mut: |c| &mut c.nodes, key: |n| ("", &n.name) })
        }
        Kind::Namespace => visitor.list(&List {
            get: |c| &c.namespaces,
            get_mut: |c| &mut c.namespaces,
            key: |n| ("", &n.name),
        }),
        Kind::Secret => {
            visitor.list(&List { get: |c| &c.secrets, get_mut: |c| &mut c.secrets, key: |s| of(&s.object) })
        }
        Kind::Service
        | Kind::EndpointSlice
        | Kind::ServiceCidr
        | Kind::ConfigurationState
        | Kind::ServiceBgpStatus
        | Kind::FrrNodeState
        | Kind::Pod => return None,
    })
}

/// Takes the object in that alone is in `one`, or what was known of it out if there is none; whether that changes anything.
///
/// Services and EndpointSlices are not of the Configuration.
pub(super) fn put(kind: Kind, into: &mut Snapshot, object: &ObjectRef, mut one: Configuration) -> bool {
    let mut changed = match kind {
        Kind::Node => put_networks(into, object, &mut one),
        Kind::ServiceCidr => {
            put_in(into, |c| &c.service_networks, |c| &mut c.service_networks, object, &mut one)
        }
        _ => false,
    };
    changed |= visit(kind, Put { into, object, one }).unwrap_or_default();
    changed
}

struct Put<'a> {
    into: &'a mut Snapshot,
    object: &'a ObjectRef,
    one: Configuration,
}

impl Visit for Put<'_> {
    type Answer = bool;

    fn list<T: Clone + PartialEq>(mut self, list: &List<T>) -> bool {
        let new = (list.get_mut)(&mut self.one).pop();
        let known = (list.get)(self.into);
        let place = known.binary_search_by(|item| (list.key)(item).cmp(&of(self.object)));
        // What is shared with a view is copied by a change, and only by one.
        match (place, new) {
            (Ok(at), Some(new)) if known.get(at) == Some(&new) => return false,
            (Ok(at), Some(new)) => {
                if let Some(old) = (list.get_mut)(self.into).get_mut(at) {
                    *old = new;
                }
            }
            (Ok(at), None) => drop((list.get_mut)(self.into).remove(at)),
            (Err(at), Some(new)) => (list.get_mut)(self.into).insert(at, new),
            (Err(_), None) => return false,
        }
        true
    }
}

fn put_networks(into: &mut Snapshot, object: &ObjectRef, one: &mut Configuration) -> bool {
    let name = &object.name;
    let addresses = put_in(into, |c| &c.node_addresses, |c| &mut c.node_addresses, name, one);
    addresses | put_in(into, |c| &c.pod_networks, |c| &mut c.pod_networks, name, one)
}

fn put_in<K: Ord + Clone, V: PartialEq + Clone>(
    into: &mut Snapshot,
    get: fn(&Configuration) -> &BTreeMap<K, V>,
    get_mut: fn(&mut Configuration) -> &mut BTreeMap<K, V>,
    key: &K,
    one: &mut Configuration,
) -> bool {
    let new = get_mut(one).remove(key);
    if get(into).get(key) == new.as_ref() {
        return false;
    }
    match new {
        Some(new) => drop(get_mut(into).insert(key.clone(), new)),
        None => drop(get_mut(into).remove(key)),
    }
    true
}

/// Namespace and name of an object.
pub(super) type Name = (Arc<str>, Arc<str>);

/// Namespace and name of every object of a kind that the Snapshot has, readable or not.
pub(super) fn names(kind: Kind, snapshot: &Snapshot) -> Vec<Name> {
    let of_object = |object: &ObjectRef| (object.namespace.clone(), object.name.clone());
    let unreadable = snapshot.unreadable.iter().filter(|object| object.kind == kind.name());
    let mut names: Vec<Name> = unreadable.map(of_object).collect();
    match kind {
        Kind::Service => {
            names.extend(snapshot.services.keys().map(|key| (key.namespace.clone(), key.name.clone())));
        }
        Kind::EndpointSlice => {
            let key = |key: &SliceKey| (key.service.namespace.clone(), key.name.clone());
            names.extend(snapshot.endpoint_slices.keys().map(key));
        }
        Kind::ServiceCidr => names.extend(snapshot.service_networks.keys().map(of_object)),
        _ => names.extend(visit(kind, Names(snapshot)).unwrap_or_default()),
    }
    names
}

struct Names<'a>(&'a Configuration);

impl Visit for Names<'_> {
    type Answer = Vec<Name>;

    fn list<T: Clone + PartialEq>(self, list: &List<T>) -> Self::Answer {
        let key = |item| {
            let (namespace, name) = (list.key)(item);
            (namespace.into(), name.into())
        };
        (list.get)(self.0).iter().map(key).collect()
    }
}
