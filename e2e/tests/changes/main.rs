//! Random changes of configuration on real FRR: what the plan gives, FRR takes; what it then runs, is what was wanted.

mod allowed;
mod watched;

use anyhow::{Context, Result, ensure};
use herald_e2e::{Frr, Lab, Release};
use herald_frr::diff::{Ownership, plan};
use herald_frr::{arbitrary, running};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Each goes from the configuration before it, so this many pairs are tried.
const CHANGES: usize = 60;

/// `$HERALD_CHANGES` names another number for FRR 10. Not for FRR 8.4: sooner or later a change there gives a VRF's router
/// an AS number of its own while FRR has made that router by itself, for an import, with the importer's.
fn changes(release: Release) -> usize {
    asked().filter(|_| release == Release::V10).unwrap_or(CHANGES)
}

fn asked() -> Option<usize> {
    std::env::var("HERALD_CHANGES").ok().and_then(|number| number.parse().ok())
}

#[test]
fn frr_10_takes_every_plan_and_runs_what_is_wanted() -> Result<()> {
    every_change(Release::V10)
}

#[test]
fn frr_8_takes_every_plan_and_runs_what_is_wanted() -> Result<()> {
    every_change(Release::V8)
}

fn every_change(release: Release) -> Result<()> {
    let lab = Lab::new()?;
    let node = lab.namespace("node")?;
    let frr = Frr::start(&lab, &node, release, "")?;
    let ours = Ownership::shipped("");
    // The same changes in every run: a failure can be looked at again.
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut random = TestRunner::new_with_rng(Config::default(), random);
    for number in 0..changes(release) {
        let wanted = arbitrary::config().new_tree(&mut random).ok().context("no configuration")?.current();
        let before = running::parse(&frr.running()?);
        let change = plan(&before, &wanted, &ours);
        let loaded = frr.load(&change.script())?;
        ensure!(loaded.accepted, "change {number}: {}\n{}", loaded.output, change.script());
        let left = plan(&running::parse(&frr.running()?), &wanted, &ours);
        ensure!(
            left.is_empty(),
            "change {number} leaves\n{}of\n{}{}",
            left.script(),
            change.script(),
            loaded.output
        );
    }
    println!("{release:?}: {} random changes end where they should", changes(release));
    Ok(())
}
