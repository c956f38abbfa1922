//! Some objects of a configuration: taken out, put in, compared.

use crate::problem::ObjectRef;
use crate::snapshot::{Configuration, Custom, Meta};

/// Does the same to each list of objects of ours.
macro_rules! each {
    ($configuration:expr, |$list:ident| $then:expr) => {{
        let configuration = $configuration;
        each!(@lists configuration $list $then, pools, l2_advertisements, bgp_advertisements, peers, bfd_profiles,
            communities, frr_configurations);
    }};
    (@lists $configuration:ident $list:ident $then:expr, $($field:ident),+) => {
        $({ let $list = &mut $configuration.$field; $then })+
    };
}

/// Puts the objects of one configuration into another, in place of those of the same names.
pub(super) fn put(into: &mut Configuration, objects: &Configuration) {
    insert(&mut into.pools, &objects.pools);
    insert(&mut into.l2_advertisements, &objects.l2_advertisements);
    insert(&mut into.bgp_advertisements, &objects.bgp_advertisements);
    insert(&mut into.peers, &objects.peers);
    insert(&mut into.bfd_profiles, &objects.bfd_profiles);
    insert(&mut into.communities, &objects.communities);
    insert(&mut into.frr_configurations, &objects.frr_configurations);
}

fn insert<S: Clone>(list: &mut Vec<Custom<S>>, objects: &[Custom<S>]) {
    for new in objects {
        let key = |meta: &Meta| (meta.object.namespace.clone(), meta.object.name.clone());
        match list.binary_search_by_key(&key(&new.meta), |custom| key(&custom.meta)) {
            Ok(position) => list[position] = new.clone(),
            Err(position) => list.insert(position, new.clone()),
        }
    }
}

/// Only the object, if it is there.
pub(super) fn only(configuration: &Configuration, object: &ObjectRef) -> Configuration {
    let mut found = Configuration::default();
    find(&configuration.pools, object, &mut found.pools);
    find(&configuration.l2_advertisements, object, &mut found.l2_advertisements);
    find(&configuration.bgp_advertisements, object, &mut found.bgp_advertisements);
    find(&configuration.peers, object, &mut found.peers);
    find(&configuration.bfd_profiles, object, &mut found.bfd_profiles);
    find(&configuration.communities, object, &mut found.communities);
    find(&configuration.frr_configurations, object, &mut found.frr_configurations);
    found
}

fn find<S: Clone>(list: &[Custom<S>], object: &ObjectRef, found: &mut Vec<Custom<S>>) {
    found.extend(list.iter().find(|custom| custom.meta.object == *object).cloned());
}

/// Clears what of the metadata says nothing of how an object counts.
pub(super) fn forget_history(configuration: &mut Configuration) {
    each!(configuration, |list| for custom in list {
        custom.meta.generation = 0;
        custom.meta.created = "".into();
    });
}

/// Gives every object the age of whatever is created now.
pub(super) fn is_young(configuration: &mut Configuration) {
    // Behind any time that an API server writes.
    each!(
        configuration,
        |list| for custom in list.iter_mut().filter(|custom| custom.meta.created.is_empty()) {
            custom.meta.created = "9999".into();
        }
    );
}

/// The object of a configuration that has one.
pub(super) fn object(configuration: &Configuration) -> Option<&ObjectRef> {
    let Configuration { pools, l2_advertisements, bgp_advertisements, peers, .. } = configuration;
    let Configuration { bfd_profiles, communities, frr_configurations, .. } = configuration;
    let first = pools.first().map(|c| &c.meta);
    let first = first.or(l2_advertisements.first().map(|c| &c.meta));
    let first = first.or(bgp_advertisements.first().map(|c| &c.meta)).or(peers.first().map(|c| &c.meta));
    let first = first.or(bfd_profiles.first().map(|c| &c.meta)).or(communities.first().map(|c| &c.meta));
    first.or(frr_configurations.first().map(|c| &c.meta)).map(|meta| &meta.object)
}
