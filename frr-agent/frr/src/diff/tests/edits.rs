//! From configuration to configuration: the plan is that of the running configuration.

use super::*;
use crate::config::{Network, Origin, RawSnippet};
use crate::value::{RawConfig, Tag};
use ipnet::IpNet;
use proptest::strategy::ValueTree;

/// The plan when FRR is asked, with `before` as what was applied.
fn asked(before: &FrrConfig, after: &FrrConfig, scope: Scope) -> ChangePlan {
    let ownership = Ownership { scope, applied: Some(before), given: &[], seen: None, base: [].into() };
    plan(&running(before), after, &ownership)
}

/// Holds `edit` against what asking FRR gives; false where `edit` cannot tell.
fn agrees(before: &FrrConfig, after: &FrrConfig) -> bool {
    let Some(edit) = edit(before, after, None) else { return false };
    for scope in [Scope::Shipped, Scope::Host] {
        let asked = asked(before, after, scope);
        assert_eq!(edit.script(), asked.script(), "{scope:?}");
        assert_eq!(edit, asked, "{scope:?}");
    }
    true
}

fn raw(texts: &[&str]) -> Vec<RawSnippet> {
    let snippet = |text: &&str| RawSnippet {
        text: RawConfig::new(text),
        origins: [Origin(format!("FRRConfiguration a/{}", text.len()).into())].into(),
    };
    texts.iter().map(snippet).collect()
}

/// Hand-written parts that FRR keeps as they are: lines of its own, and lines that the model knows.
fn snippets() -> impl Strategy<Value = Vec<RawSnippet>> {
    let all = vec![
        "ip prefix-list mine seq 5 permit 10.9.0.0/16",
        "route-map 192.0.2.1-out permit 9\n match ip address prefix-list mine\nexit",
        "route-map adv-gold permit 1\n set local-preference 7\nexit",
        "ip route 10.9.0.0/16 Null0",
    ];
    prop::sample::subsequence(all, 0..4).prop_map(|texts| raw(&texts))
}

proptest! {
    #[test]
    fn an_edit_is_what_asking_frr_gives((mut a, mut b) in (arbitrary::config(), arbitrary::config()), raw in snippets()) {
        (a.raw, b.raw) = (raw.clone(), raw);
        agrees(&a, &b);
    }

    #[test]
    fn an_edit_of_one_prefix_is_what_asking_frr_gives(
        mut a in arbitrary::config(),
        (raw, class) in (snippets(), any::<prop::sample::Index>()),
        (at, prefix) in (any::<prop::sample::Index>(), 0..20_u8),
    ) {
        a.raw = raw;
        let mut b = a.clone();
        prop_assume!(!b.routers.is_empty());
        let classes: Vec<_> = b.route_maps.keys().filter(|name| name.as_str().starts_with("adv-")).cloned().collect();
        let router = b.routers.values_mut().nth(at.index(a.routers.len())).unwrap();
        // One that is there, or one more.
        let prefix = router.networks.keys().nth(prefix.into()).copied();
        let prefix = prefix.unwrap_or_else(|| "10.7.7.7/32".parse::<IpNet>().unwrap());
        let class = Some(class.index(classes.len() + 1)).and_then(|at| classes.get(at).cloned());
        let network = Network { class: class.clone(), origins: [Origin("Service a/b".into())].into() };
        let old = router.networks.insert(prefix, network);
        prop_assert!(agrees(&a, &b));
        let changes = |plan: &ChangePlan| plan.prefixes().map(|changes| changes.iter().map(|c| (c.prefix, c.expected.clone())).collect::<Vec<_>>());
        let tag = class.as_ref().and_then(|class| b.route_maps[class].entries[&1].sets.tag);
        let expected = if old.is_some_and(|old| old.class == class) { vec![] } else { vec![(prefix, Expected::Present { class, tag })] };
        prop_assert_eq!(changes(&edit(&a, &b, None).unwrap()), Some(expected));
        let mut less = b.clone();
        less.routers.values_mut().nth(at.index(a.routers.len())).unwrap().networks.remove(&prefix);
        prop_assert!(agrees(&b, &less));
        prop_assert_eq!(changes(&edit(&b, &less, None).unwrap()), Some(vec![(prefix, Expected::Gone)]));
    }
}

proptest! {
    #[test]
    fn every_line_names_an_object(
        (mut a, mut b) in (arbitrary::config(), arbitrary::config()),
        (raw, other) in (snippets(), snippets()),
    ) {
        (a.raw, b.raw) = (raw, other);
        for line in asked(&a, &b, Scope::Shipped).lines.iter().filter(|line| !line.frame) {
            prop_assert!(!line.origins.is_empty(), "{line:?}");
        }
    }

    #[test]
    fn the_plan_for_an_edit_of_one_object_names_that_object_only(edited in arbitrary::edit()) {
        let arbitrary::Edit { before, after, object } = edited;
        agrees(&before, &after);
        for line in asked(&before, &after, Scope::Shipped).lines.iter().filter(|line| !line.frame) {
            prop_assert_eq!(&line.origins, &object, "{:?}", line);
        }
    }
}

#[test]
fn only_frr_can_tell_what_became_of_hand_written_lines() {
    let (before, mut after) = (FrrConfig::default(), FrrConfig::default());
    after.raw = raw(&["ip route 10.9.0.0/16 Null0"]);
    assert_eq!(edit(&before, &after, None), None);
    assert!(edit(&after, &after, None).is_some_and(|plan| plan.is_empty()));
    // Prefixes that stand in them are not compared as typed values.
    after.raw = raw(&["router bgp 1\n address-family ipv4 unicast\n  network 10.0.0.1/32"]);
    assert_eq!(edit(&after, &after, None), None);
}

#[test]
fn a_plan_that_changes_more_than_prefixes_names_none() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = arbitrary::config().new_tree(&mut runner).unwrap();
    let (config, mut other) = (tree.current(), tree.current());
    other.route_maps.insert(
        "adv-new".parse().unwrap(),
        crate::config::RouteMap {
            entries: [(
                1,
                crate::config::RouteMapEntry {
                    action: crate::config::Action::Permit,
                    matches: crate::config::Match::default(),
                    sets: crate::config::Sets { tag: Some(Tag::ours(9)), ..crate::config::Sets::default() },
                    origins: Origins::new(),
                },
            )]
            .into(),
        },
    );
    assert!(agrees(&config, &other));
    assert_eq!(edit(&config, &other, None).unwrap().prefixes(), None);
    assert_eq!(edit(&config, &config, None).unwrap().prefixes(), Some(&[][..]));
}
