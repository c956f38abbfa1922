//! Changes of one node, from the folder until its neighbours' tables are exactly right: by the agent, by `frr-reload.py`
//! given the same text, and by `frr-reload.py` as frr-k8s runs it on the text that frr-k8s renders. Beside them, in the
//! same run, what FRR itself takes for a bare `network` line on an empty table.

mod bare;
mod bed;
mod report;
mod ways;
mod world;

use anyhow::{Context, Result, ensure};
use bed::Bed;
use herald_e2e::Herald;
use std::net::Ipv4Addr;
use ways::{ByAgent, Cost, by_reload, rendered};
use world::{Place, World, address};

pub use report::print;

/// How much is measured.
pub struct Extent {
    /// Prefixes that are there before a change.
    pub sizes: Vec<u32>,
    /// How often a change of one prefix is made.
    pub rounds: usize,
    /// What "500 added" adds.
    pub bulk: u32,
    /// Whether `frr-reload.py` is measured too.
    pub reload: bool,
    /// Whether frr-k8s' way is measured too.
    pub listed: bool,
}

impl Extent {
    pub fn new(quick: bool, arguments: &[String]) -> Result<Self> {
        if quick {
            return Ok(Self { sizes: vec![20], rounds: 1, bulk: 10, reload: true, listed: false });
        }
        let size = arguments.iter().find_map(|argument| argument.strip_prefix("--size="));
        let sizes = match size {
            Some(size) => vec![size.parse().context("--size")?],
            None => vec![100, 1000, 5000, 10_000],
        };
        let asked = |option: &str| arguments.iter().any(|argument| argument == option);
        let reload = !asked("--agent-alone");
        let listed = reload && !asked("--without-frr-k8s");
        Ok(Self { sizes, rounds: 7, bulk: 500, reload, listed })
    }
}

/// A change, and what it cost by each way.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub limit: Limit,
    pub agent: Vec<Cost>,
    pub reload: Other,
    pub listed: Other,
    to: World,
}

/// What the issue asks of a change at the largest size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So much more than a bare `network` line.
    OverBareAdded,
    /// So much more than a bare `no network` line.
    OverBareWithdrawn,
    Milliseconds(u32),
    None,
}

/// What another way cost, or why it was not tried.
#[derive(Debug, Default)]
pub struct Other {
    pub costs: Vec<Cost>,
    pub skipped: Option<&'static str>,
}

/// Everything at one size.
#[derive(Debug)]
pub struct AtSize {
    pub size: u32,
    /// Cold load first, then the changes.
    pub cases: Vec<Case>,
    /// Resident set of the agent in MB: after the cold load, at the end.
    pub memory: (f64, f64),
}

/// Everything measured.
#[derive(Debug)]
pub struct Measured {
    pub bare: bare::Bare,
    pub sizes: Vec<AtSize>,
}

pub fn measure(extent: &Extent) -> Result<Measured> {
    let herald = Herald::new()?;
    let bare = bare::measure(&herald, extent.rounds.max(3))?;
    let sizes = extent.sizes.iter().map(|size| at_size(&herald, *size, extent)).collect::<Result<_>>()?;
    Ok(Measured { bare, sizes })
}

fn at_size(herald: &Herald, size: u32, extent: &Extent) -> Result<AtSize> {
    let mut cases = cases(size, extent.bulk);
    let memory = agent(&mut cases, extent.rounds).with_context(|| format!("the agent at {size}"))?;
    let rounds = if size > 1000 { 1 } else { extent.rounds.min(3) };
    if extent.reload {
        others(herald, &mut cases, size, rounds, false)
            .with_context(|| format!("frr-reload.py at {size}"))?;
    }
    if extent.listed {
        others(herald, &mut cases, size, rounds, true).with_context(|| format!("frr-k8s' way at {size}"))?;
    }
    Ok(AtSize { size, cases, memory })
}

/// The changes in order, each from what the one before left. The first is the cold load; after the changes of one prefix
/// and after each later pair the state is that of the cold load again.
fn cases(size: u32, bulk: u32) -> Vec<Case> {
    let base = World::new(size);
    let mut cases = vec![case("cold load", &base, Limit::None)];
    for place in Place::ALL {
        let prefix = place.address(size);
        cases.push(case(
            &format!("one added, {}", place.words()),
            &base.with([prefix]),
            Limit::OverBareAdded,
        ));
        cases.push(case(&format!("one withdrawn, {}", place.words()), &base, Limit::OverBareWithdrawn));
    }
    let more: Vec<Ipv4Addr> = (size..size + bulk).map(address).collect();
    let half: Vec<Ipv4Addr> = (0..size / 2).map(|n| address(n * 2)).collect();
    let next = World { neighbours: base.neighbours + 1, ..base.clone() };
    cases.extend([
        case(&format!("{bulk} added"), &base.with(more), Limit::None),
        case(&format!("{bulk} withdrawn"), &base, Limit::Milliseconds(500)),
        case(&format!("half withdrawn ({})", size / 2), &base.without(half), Limit::None),
        case(&format!("half added ({} new)", size / 2), &base, Limit::Milliseconds(2000)),
        case("one neighbour added", &next, Limit::None),
        case("one neighbour removed", &base, Limit::None),
    ]);
    cases
}

/// Of [`cases`]: how many are changes of one prefix, after the cold load.
const SINGLES: usize = 6;

fn case(name: &str, to: &World, limit: Limit) -> Case {
    let (name, to) = (name.to_owned(), to.clone());
    Case { name, limit, agent: Vec::new(), reload: Other::default(), listed: Other::default(), to }
}

/// Which changes to make: those of one prefix `rounds` times, then each of the others once.
fn order(rounds: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rounds).flat_map(|_| 1..=SINGLES).collect();
    order.extend(SINGLES + 1..count);
    order
}

fn agent(cases: &mut [Case], rounds: usize) -> Result<(f64, f64)> {
    let mut bed = Bed::new()?;
    let (mut way, cost) = ByAgent::cold(&mut bed, &cases[0].to)?;
    cases[0].agent.push(cost);
    cases[0].agent[0].agent += way.settle()?;
    let after_load = way.memory()?;
    let mut world = cases[0].to.clone();
    for index in order(rounds, cases.len()) {
        let (case, downs) = (&mut cases[index], bed.downs());
        case.agent.push(way.change(&mut bed, &world, &case.to).with_context(|| case.name.clone())?);
        ensure!(bed.downs() == downs, "{}: a session was reset", case.name);
        world = case.to.clone();
    }
    let memory = (after_load, way.memory()?);
    way.stop()?;
    Ok(memory)
}

/// The same changes by `frr-reload.py`, of Herald's text or of frr-k8s'.
fn others(herald: &Herald, cases: &mut [Case], size: u32, rounds: usize, listed: bool) -> Result<()> {
    let mut bed = Bed::new()?;
    let order: Vec<usize> = std::iter::once(0).chain(order(rounds, cases.len())).collect();
    for index in order {
        let case = &mut cases[index];
        let skipped = if listed { too_long_listed(size, index) } else { too_long(size, index) };
        if skipped.is_none() {
            let text = if listed { case.to.listed() } else { rendered(&bed, herald, &case.to)? };
            match by_reload(&mut bed, &text, listed, &case.to) {
                Ok(cost) if listed => case.listed.costs.push(cost),
                Ok(cost) => case.reload.costs.push(cost),
                Err(why) => {
                    // What it left behind is no state to go on from. The figures of all other ways stand.
                    eprintln!("{size}: {}: given up: {}", case.name, first_line(&why));
                    let skipped = Some("given up here: not right within 5 minutes, or failed");
                    if listed {
                        case.listed.skipped = skipped;
                    } else {
                        case.reload.skipped = skipped;
                    }
                    return Ok(());
                }
            }
        }
        if listed { case.listed.skipped = skipped } else { case.reload.skipped = skipped }
    }
    Ok(())
}

/// The first words of an error: what follows are logs.
fn first_line(why: &anyhow::Error) -> String {
    why.root_cause().to_string().lines().next().unwrap_or_default().to_owned()
}

/// frr-reload.py removes line by line, a vtysh run of 10 to 20 ms each.
fn too_long(size: u32, index: usize) -> Option<&'static str> {
    let removes = index == SINGLES + 3 || index == SINGLES + 4;
    (removes && size > 1000).then_some("skipped: a vtysh run per removed line")
}

/// A removed address is a line per neighbour more there, and all entries that sort behind a change get new numbers.
fn too_long_listed(size: u32, index: usize) -> Option<&'static str> {
    let last = index == SINGLES - 1 || index == SINGLES;
    let bulk = (SINGLES + 1..=SINGLES + 4).contains(&index);
    if bulk && size > 1000 {
        return Some("skipped: a vtysh run per removed line, minutes");
    }
    (index > 0 && index < SINGLES && !last && size > 5000)
        .then_some("skipped: every entry gets a new number, minutes")
}
