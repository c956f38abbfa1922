//! Properties that hold for every history. `PROPTEST_CASES` sets how many are tried.

use super::reference::{Needs, Plain, may_share};
use super::*;
use crate::model::{FamilyError, RequestError};
use crate::selector::Selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use proptest::prelude::*;
use std::cmp::Reverse;

type Pools = BTreeMap<PoolName, Pool>;

/// Something that happens to a ledger.
#[derive(Debug, Clone)]
enum Happening {
    Assign(ServiceKey, Box<Service>),
    Release(ServiceKey),
    Pools(Pools),
}

fn labels(web: bool) -> BTreeMap<String, String> {
    web.then(|| ("app".to_owned(), "web".to_owned())).into_iter().collect()
}

/// The address at a place of the two short lines that all pools are cut from. The IPv4 one passes
/// over a .255 and a .0.
fn address(v4: bool, place: u8) -> IpAddr {
    if v4 {
        IpAddr::V4((0x0a00_00fa + u32::from(place)).into())
    } else {
        IpAddr::V6(((0xfc00 << 112) + u128::from(place)).into())
    }
}

fn any_pinned() -> impl Strategy<Value = Pinned> {
    let namespaces = prop::option::of(prop::collection::btree_set(any_namespace(), 1..3));
    (0..3_u32, namespaces, any::<bool>()).prop_map(|(priority, namespaces, web)| {
        let web = web.then(|| LabelSelector { match_labels: Some(labels(true)), match_expressions: None });
        let service_selectors = web.iter().map(|s| Selector::parse(s).unwrap()).collect();
        Pinned { priority, namespaces, service_selectors }
    })
}

/// Pools cut from the two lines: each piece goes to one of three pools, or to none.
fn any_pools() -> impl Strategy<Value = Pools> {
    let piece = (1..4_u8, 0..4_usize, any::<bool>());
    let kind = (prop::bool::weighted(0.8), any::<bool>(), prop::option::weighted(0.4, any_pinned()));
    (prop::collection::vec(piece, 0..10), prop::collection::vec(kind, 3)).prop_map(|(pieces, kinds)| {
        let mut pools = Pools::new();
        let mut next = [0, 0];
        for (length, owner, v4) in pieces {
            let start = next[usize::from(v4)];
            next[usize::from(v4)] += length;
            let Some((auto_assign, avoid_buggy_ips, pinned)) = kinds.get(owner).cloned() else { continue };
            let range = AddressRange::new(address(v4, start), address(v4, start + length - 1)).unwrap();
            let name = ["p", "q", "r"][owner].into();
            let blank = || Pool { auto_assign, avoid_buggy_ips, pinned, ..pool(&[]) };
            let ranges = &mut pools.entry(name).or_insert_with(blank).ranges;
            // Some ranges come before those with smaller addresses.
            ranges.insert(if length == 2 { 0 } else { ranges.len() }, range);
        }
        pools
    })
}

fn any_namespace() -> impl Strategy<Value = Arc<str>> {
    prop::sample::select(vec!["ns", "other"]).prop_map(Arc::from)
}

fn any_key() -> impl Strategy<Value = ServiceKey> {
    let name = prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(Arc::from);
    (any_namespace(), name).prop_map(|(namespace, name)| ServiceKey { namespace, name })
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    (any::<bool>(), 0..12_u8).prop_map(|(v4, place)| address(v4, place))
}

fn any_service() -> impl Strategy<Value = Service> {
    let family = prop::sample::select(vec![Family::V4, Family::V6]);
    let families = prop_oneof![
        5 => family.clone().prop_map(|f| Ok(Families::Single(f))),
        5 => family.prop_map(|primary| Ok(Families::Dual { primary })),
        1 => Just(Err(FamilyError::Headless)),
    ];
    let policy = prop::sample::select(vec![
        FamilyPolicy::SingleStack,
        FamilyPolicy::PreferDualStack,
        FamilyPolicy::PreferDualStack,
        FamilyPolicy::RequireDualStack,
    ]);
    let by_address = prop_oneof![
        12 => Just(Ok(vec![])),
        4 => prop::collection::vec(any_address(), 1..3).prop_map(Ok),
        1 => Just(Err(RequestError::Both)),
    ];
    let by_pool = prop::option::weighted(0.2, prop::sample::select(vec!["p", "q", "none"]));
    let key = (prop::sample::select(vec!["", "k", "k", "l"]), prop::sample::select(vec!["", "", "app=web"]));
    let open = prop::collection::btree_set(prop::sample::select(vec!["TCP/1", "TCP/2", "UDP/1"]), 1..3);
    let status = prop_oneof![1 => Just(vec![]), 1 => prop::collection::vec(any_address(), 1..3)];
    (families, policy, by_address, by_pool, key, open, status, any::<bool>()).prop_map(
        |(families, policy, requested_ips, by_pool, (key, backend), open, status_ips, web)| Service {
            families,
            policy,
            requested_ips,
            requested_pool: by_pool.map(Arc::from),
            labels: labels(web).into_iter().collect(),
            status_ips,
            ..sharer(key, backend, &open.into_iter().collect::<Vec<_>>())
        },
    )
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (any_key(), any_service()).prop_map(|(k, s)| Happening::Assign(k, Box::new(s))),
        2 => any_key().prop_map(Happening::Release),
        1 => any_pools().prop_map(Happening::Pools),
    ]
}

fn any_model() -> impl Strategy<Value = Model> {
    (any_pools(), prop::collection::btree_map(any_key(), any_service(), 0..8))
        .prop_map(|(pools, services)| Model { pools, services, ..Model::default() })
}

/// What must hold of a ledger whatever happened.
fn check(ledger: &Ledger, pools: &Pools, services: &BTreeMap<ServiceKey, Service>) {
    let held: Vec<_> = ledger.allocations().collect();
    for (position, (key, allocation)) in held.iter().enumerate() {
        let pool = &pools[&allocation.pool];
        assert!(allocation.ips.iter().all(|ip| pool.holds(*ip)), "{key} is outside its pool");
        for ip in &allocation.ips {
            assert!(ledger.users(*ip).any(|user| user == *key));
            for (other, _) in held[position + 1..].iter().filter(|(_, a)| a.ips.contains(ip)) {
                assert!(may_share(&services[*key], &services[*other]), "{key} and {other} share {ip}");
            }
        }
    }
    for name in pools.keys() {
        let count = |v4: bool| {
            let ips = held.iter().filter(|(_, a)| a.pool == *name).flat_map(|(_, a)| &a.ips);
            i64::try_from(ips.filter(|ip| ip.is_ipv4() == v4).collect::<BTreeSet<_>>().len()).unwrap()
        };
        let usage = ledger.usage(name).unwrap();
        assert_eq!((usage.assigned_v4, usage.assigned_v6), (count(true), count(false)));
        assert!(usage.available_v4 >= 0 && usage.available_v6 >= 0);
    }
    // Every index is what it would be had the holdings been entered into an empty ledger.
    let mut fresh = Ledger::new(pools);
    for (key, holding) in &ledger.holdings {
        fresh.enter(key, holding.clone());
    }
    assert_eq!(&fresh, ledger);
}

/// The same answer as `allocate`, by the plain rules.
fn plain_allocate(model: &Model) -> Plain {
    let mut plain = Plain { pools: model.pools.clone(), ..Plain::default() };
    let mut order: Vec<_> = model.services.iter().collect();
    order.sort_by_key(|(key, service)| (Reverse(service.status_ips.len()), *key));
    let mut waiting: Vec<_> = order.into_iter().map(|(k, s)| (plain.keep(k, s), k, s)).collect();
    waiting.sort_by_key(|(needs, key, service)| {
        let by_address = service.requested_ips.as_ref().is_ok_and(|ips| !ips.is_empty());
        let choosy = (!by_address, service.requested_pool.is_none());
        let turn = if *needs == Needs::Address {
            (true, choosy.0, choosy.0 && choosy.1)
        } else {
            (false, false, false)
        };
        (turn, *key)
    });
    for (needs, key, service) in waiting {
        plain.complete(key, service, needs);
    }
    plain
}

/// The Model after everybody's status was written.
fn written(model: &Model, outcomes: &BTreeMap<ServiceKey, Outcome>) -> Model {
    let mut model = model.clone();
    for (key, service) in &mut model.services {
        service.status_ips = outcomes[key].allocation().map(|a| a.ips.clone()).unwrap_or_default();
    }
    model
}

proptest! {
    #[test]
    fn every_history_gives_what_the_plain_rules_give(
        first in any_pools(), history in prop::collection::vec(any_happening(), 0..24)
    ) {
        let mut ledger = Ledger::new(&first);
        let mut plain = Plain { pools: first, ..Plain::default() };
        let mut services = BTreeMap::new();
        for happening in history {
            match happening {
                Happening::Assign(key, service) => {
                    let before = ledger.clone();
                    let outcome = ledger.assign(&key, &service);
                    let expected = plain.assign(&key, &service);
                    prop_assert_eq!(outcome.allocation(), expected.as_ref());
                    prop_assert_eq!(outcome.allocation(), ledger.allocation(&key));
                    let others = |l: &Ledger| {
                        l.allocations().filter(|(k, _)| **k != key).map(|(k, a)| (k.clone(), a.clone())).collect::<Vec<_>>()
                    };
                    prop_assert_eq!(others(&before), others(&ledger), "somebody else moved");
                    services.insert(key, *service);
                }
                Happening::Release(key) => {
                    let held = plain.held.remove(&key);
                    prop_assert_eq!(ledger.release(&key), held.is_some());
                    let left = held.iter().flat_map(|(a, _)| &a.ips).any(|ip| ledger.users(*ip).any(|u| *u == key));
                    prop_assert!(!left, "a released address still has its holder");
                }
                Happening::Pools(pools) => {
                    ledger.set_pools(&pools);
                    plain.held.retain(|_, (allocation, _)| {
                        let home = pools.iter().find(|(_, p)| allocation.ips.iter().all(|ip| p.holds(*ip)));
                        home.map(|(name, _)| allocation.pool = name.clone()).is_some()
                    });
                    plain.pools = pools;
                }
            }
            check(&ledger, &plain.pools, &services);
        }
    }

    #[test]
    fn a_whole_model_gives_what_the_plain_rules_give(model in any_model()) {
        let (ledger, outcomes) = allocate(&model);
        check(&ledger, &model.pools, &model.services);
        let plain = plain_allocate(&model);
        for (key, outcome) in &outcomes {
            prop_assert_eq!(outcome.allocation(), plain.held.get(key).map(|(a, _)| a), "{}", key);
            prop_assert_eq!(outcome.allocation(), ledger.allocation(key));
            let failures = outcome.events.iter().filter(|e| e.is_warning()).count();
            prop_assert!(outcome.error().is_none() || failures > 0, "silence about {}", key);
        }
    }

    #[test]
    fn what_was_written_is_read_back_and_a_new_service_moves_nobody(
        model in any_model(), newcomers in prop::collection::btree_map(any_key(), any_service(), 1..4)
    ) {
        let (ledger, outcomes) = allocate(&model);
        let mut model = written(&model, &outcomes);
        prop_assert_eq!(&recorded(&model).0, &ledger);
        let (again, replayed) = allocate(&model);
        prop_assert_eq!(&again, &ledger);
        prop_assert!(replayed.values().all(|outcome| !outcome.changed));

        for (key, newcomer) in newcomers {
            let status_ips = vec![];
            model.services.entry(key).or_insert(Service { status_ips, ..newcomer });
        }
        let (joined, _) = allocate(&model);
        for (key, allocation) in ledger.allocations() {
            prop_assert_eq!(joined.allocation(key), Some(allocation));
        }
    }

    #[test]
    fn the_order_of_events_does_not_matter_to_who_has_an_address(
        (model, order) in any_model().prop_flat_map(|model| {
            let keys: Vec<_> = model.services.keys().cloned().collect();
            (Just(model), Just(keys).prop_shuffle())
        })
    ) {
        let (ledger, outcomes) = allocate(&model);
        let model = written(&model, &outcomes);
        let (mut started, _) = recorded(&model);
        for key in &order {
            started.assign(key, &model.services[key]);
        }
        prop_assert_eq!(&started, &ledger);
        // Also where an event of each comes before the ledger was read back, new ones aside.
        let mut cold = Ledger::new(&model.pools);
        for key in order.iter().filter(|key| ledger.allocation(key).is_some_and(|a| a.ips.len() == 2)) {
            cold.assign(key, &model.services[key]);
            prop_assert_eq!(cold.allocation(key), ledger.allocation(key));
        }
    }

    #[test]
    fn statuses_are_readopted_before_anything_is_given_out(model in any_model()) {
        let (before, _) = recorded(&model);
        let (after, _) = allocate(&model);
        for (key, allocation) in before.allocations() {
            let now = after.allocation(key).map(|a| (a.pool.clone(), a.ips[..allocation.ips.len()].to_vec()));
            prop_assert_eq!(now, Some((allocation.pool.clone(), allocation.ips.clone())));
        }
    }
}
