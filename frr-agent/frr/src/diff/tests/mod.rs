//! The plan against a model of FRR: what its lines do, one after the other.

mod announced;
mod edits;
mod evpn;
mod examples;
mod interpreter;
mod quick;
mod raw;

use super::*;
use crate::arbitrary;
use crate::config::FrrConfig;
use crate::render::{RenderOptions, Secrets, render};
use crate::running::parse;
use interpreter::Fake;
use proptest::prelude::*;

const AS_IS: RenderOptions = RenderOptions { secrets: Secrets::Show, annotate: false };

/// FRR that runs this configuration.
pub fn running(config: &FrrConfig) -> Running {
    let mut running = parse(&render(config, &AS_IS));
    tuning::coalesce(&mut running.statements);
    running
}

fn shipped() -> Ownership<'static> {
    Ownership::shipped("")
}

proptest! {
    #[test]
    fn what_the_plan_makes_is_what_is_wanted((a, b) in (arbitrary::config(), arbitrary::config())) {
        let have = running(&a);
        let plan = plan(&have, &b, &shipped());
        let mut fake = Fake::of(&have);
        plan.lines.iter().for_each(|line| fake.line(&line.text));
        prop_assert_eq!(fake.meaning(), Fake::of(&running(&b)).meaning());
        prop_assert_eq!(fake.delay, None, "the timer of route-maps is what it was");
    }

    #[test]
    fn every_statement_is_in_the_table_of_effects_once(config in arbitrary::config()) {
        for (kind, _) in lower::lower(&config).blocks.values().flat_map(|block| block.lines.keys()) {
            let rows = EFFECTS.iter().filter(|row| row.kinds.contains(kind));
            prop_assert_eq!(rows.count(), 1, "{:?}", kind);
        }
    }

    #[test]
    fn what_runs_already_needs_nothing(config in arbitrary::config()) {
        let plan = plan(&running(&config), &config, &shipped());
        prop_assert!(plan.is_empty(), "{:#?}", plan.lines);
        prop_assert!(plan.soft_clears.is_empty() && plan.resets.is_empty());
    }

    #[test]
    fn no_prefix_is_announced_that_neither_side_announces(
        (a, b) in (arbitrary::config(), arbitrary::config())
    ) {
        let have = running(&a);
        let plan = plan(&have, &b, &shipped());
        let mut fake = Fake::of(&have);
        let mut allowed = fake.announced();
        allowed.extend(Fake::of(&running(&b)).announced());
        for line in &plan.lines {
            fake.line(&line.text);
            let leaked: Vec<_> = fake.announced().difference(&allowed).cloned().collect();
            prop_assert!(leaked.is_empty(), "{leaked:?} after {line:?} of\n{}", plan.script());
        }
    }

    #[test]
    fn sessions_stay_unless_they_must_restart((a, b) in (arbitrary::config(), arbitrary::config())) {
        let plan = plan(&running(&a), &b, &shipped());
        for Session { vrf, neighbor } in &plan.resets {
            let (old, new) = (&a.routers[vrf], b.routers.get(vrf));
            let before = old.neighbors.get(neighbor);
            prop_assert!(before.is_some(), "{neighbor} does not run");
            let same_router = new.is_some_and(|new| new.asn == old.asn && new.router_id == old.router_id);
            let default_stays = a.routers.get(&None).map(|r| r.asn) == b.routers.get(&None).map(|r| r.asn);
            let same_session = new.and_then(|new| new.neighbors.get(neighbor)) == before;
            prop_assert!(!(same_router && default_stays && same_session), "{neighbor} need not restart");
        }
        let effect = plan.lines.iter().any(|line| line.effect == Effect::Reset);
        prop_assert!(effect || plan.resets.is_empty());
        prop_assert!(plan.soft_clears.iter().all(|clear| !plan.resets.contains(&clear.session)));
    }

    #[test]
    fn another_address_changes_its_own_line_only(
        config in arbitrary::config(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut less = config.clone();
        let Some(router) = less.routers.get_mut(&None) else { return Ok(()) };
        prop_assume!(!router.networks.is_empty());
        let prefix = *at.get(&router.networks.keys().copied().collect::<Vec<_>>());
        router.networks.remove(&prefix);
        let only = |plan: &ChangePlan| {
            let lines = plan.lines.iter().filter(|line| !line.frame);
            lines.map(|line| line.text.trim().to_owned()).collect::<Vec<_>>()
        };
        let added = plan(&running(&less), &config, &shipped());
        prop_assert_eq!(only(&added).len(), 1);
        let starts = only(&added)[0].starts_with(&format!("network {prefix}"));
        prop_assert!(starts);
        prop_assert!(added.soft_clears.is_empty() && added.resets.is_empty());
        let gone = plan(&running(&config), &less, &shipped());
        prop_assert_eq!(only(&gone), [format!("no network {prefix}")]);
    }
}
