//! Edits of one object: two configurations that differ in what one object says.

use super::{
    CLASSES, Instance, LISTS, PEERS, PREFIXES, Parts, assembled, communities, evpn, filled, from, parts,
    peer, profiles,
};
use crate::config::{FrrConfig, Origins};
use crate::value::Family;
use proptest::option::{of, weighted};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// A configuration before and after one object was edited.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Before.
    pub before: FrrConfig,
    /// After.
    pub after: FrrConfig,
    /// Where every statement of the object comes from.
    pub object: Origins,
}

/// What is done to the parts of a configuration; false where they have no such object.
type Change = Box<dyn Fn(&mut Parts) -> bool>;

/// One prefix, session, list, profile, class, or the settings of one router, made, changed or removed.
pub fn edit() -> impl Strategy<Value = Edit> {
    let change = prop_oneof![network(), session(), list(), profile(), class(), router(), vni_policy()];
    (parts(), change).prop_filter_map("no such object", |(parts, (origin, change))| {
        let before = assembled(parts.clone());
        let mut parts = parts;
        let after = change.0(&mut parts).then(|| assembled(parts))?;
        Some(Edit { before, after, object: from(&origin) })
    })
}

/// A function has no text of its own.
struct Named(Change);

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a change")
    }
}

type One = (String, Named);

fn named(origin: impl Into<String>, change: impl Fn(&mut Parts) -> bool + 'static) -> One {
    (origin.into(), Named(Box::new(change)))
}

/// The router of the default VRF, or of the other one.
fn instance(parts: &mut Parts, default: bool) -> Option<&mut Instance> {
    if default { parts.2.0.as_mut() } else { parts.2.1.as_mut() }
}

/// Puts a value in a map, or takes it away.
fn put<K: Ord, V>(map: &mut std::collections::BTreeMap<K, V>, key: K, value: Option<V>) -> bool {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
    true
}

fn network() -> impl Strategy<Value = One> {
    (any::<bool>(), select(&PREFIXES[..]), of(select(&CLASSES[..]))).prop_map(|(default, prefix, class)| {
        named(prefix, move |parts| {
            instance(parts, default).is_some_and(|router| put(&mut router.networks, prefix, class))
        })
    })
}

fn session() -> impl Strategy<Value = One> {
    (any::<bool>(), select(&PEERS[..]), weighted(0.8, peer())).prop_map(|(default, name, peer)| {
        let stem = if default { name.to_owned() } else { format!("{name}-red") };
        named(stem, move |parts| {
            instance(parts, default).is_some_and(|router| put(&mut router.peers, name, peer.clone()))
        })
    })
}

fn list() -> impl Strategy<Value = One> {
    let name = (select(&LISTS[..]), select(&[Family::V4, Family::V6][..]));
    let list = name.prop_flat_map(|key| (Just(key), filled([(key, 0)].into()), any::<bool>()));
    list.prop_map(|((name, family), lists, stays)| {
        named(format!("{name} {family}"), move |(_, known, ..)| {
            lists.iter().all(|(key, list)| put(known, key.clone(), stays.then(|| list.clone())))
        })
    })
}

fn profile() -> impl Strategy<Value = One> {
    let one = profiles().prop_filter_map("none", |profiles| profiles.into_iter().next());
    one.prop_map(|(name, profile)| {
        // Sessions take the first profile that there is; so it is not made here, nor removed.
        named(name, move |(.., known)| known.contains_key(name) && put(known, name, Some(profile.clone())))
    })
}

fn class() -> impl Strategy<Value = One> {
    (select(&CLASSES[..]), of(communities())).prop_map(|(name, communities)| {
        named(name, move |(classes, ..)| {
            let mut entries = classes.iter_mut().filter(|(known, _)| known.as_str() == name);
            let entry = entries.next().and_then(|(_, map)| map.entries.get_mut(&1));
            entry.is_some_and(|entry| {
                entry.sets.communities = communities.clone().unwrap_or_default();
                true
            })
        })
    })
}

fn router() -> impl Strategy<Value = One> {
    let id = of(select(&["10.9.0.1", "10.9.0.2", "10.9.0.3"][..]));
    (any::<[bool; 2]>(), id).prop_map(|([default, import], id)| {
        named("router", move |parts| {
            instance(parts, default).is_some_and(|instance| {
                instance.router.router_id = id.map(super::word);
                let from_vrf = if default { Some(super::word("red")) } else { None };
                instance.router.imports = import.then_some(from_vrf).into_iter().collect();
                true
            })
        })
    })
}

/// Of the default VRF: that of another VRF comes with its L3VNI.
fn vni_policy() -> impl Strategy<Value = One> {
    of(evpn(true)).prop_map(|evpn| {
        named("evpn", move |parts| {
            instance(parts, true).is_some_and(|instance| {
                instance.router.evpn.clone_from(&evpn);
                true
            })
        })
    })
}
