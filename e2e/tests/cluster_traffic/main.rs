//! 500 requests a second through an address, new connections through two routers with equal paths to three nodes, while agents
//! are replaced and killed, nodes are drained, and whatever does not concern the Service is edited: no request fails.
//!
//! `HERALD_TRAFFIC` says how much of it (1: 2 drains, 2 kills, 20 edits; 10 is the 20, 20 and 200), `HERALD_SEED` repeats
//! the edits, `HERALD_POLICY` is the Service's `externalTrafficPolicy` (default `Local`), `HERALD_ROUTERS=stateless` shows what routers
//! lose that choose a way for each packet.

mod edits;
mod shop;

use anyhow::{Context, Result, ensure};
use edits::Edits;
use herald_e2e::load::Outcome;
use herald_e2e::{Logged, wait_for};
use shop::Shop;
use std::env::var;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const LIMIT: Duration = Duration::from_mins(1);
/// Drains, and kills of agents.
const TIMES: u8 = 2;
const EDITS: u32 = 20;
/// What was done so long before a failure is told with it.
const NEAR: Duration = Duration::from_secs(2);

/// What was done when.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<(Instant, String)>>>);

impl Story {
    fn tell(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), what));
    }

    /// Every failure, and the slow ones, with what was done just before.
    fn of(&self, outcome: &Outcome) -> String {
        let story = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = vec![outcome.to_string()];
        for failure in &outcome.failed {
            let at = failure.at - outcome.began;
            lines.push(format!("{at:?}: from {}, after {:?}: {}", failure.from, failure.took, failure.why));
            let until = failure.at + failure.took;
            let near = story.iter().filter(|(then, _)| *then <= until && failure.at < *then + NEAR);
            lines.extend(near.map(|(then, what)| format!("    {:?}: {what}", *then - outcome.began)));
        }
        for at in outcome.slow.chunk_by(|one, next| *next < *one + NEAR) {
            let (first, last) = (at[0], at[at.len() - 1]);
            lines.push(format!(
                "{} slow from {:?} to {:?}",
                at.len(),
                first - outcome.began,
                last - outcome.began
            ));
            let near = story.iter().filter(|(then, _)| *then < last + NEAR && first < *then + NEAR);
            lines.extend(near.map(|(then, what)| format!("    {:?}: {what}", *then - outcome.began)));
        }
        lines.join("\n")
    }
}

fn number(name: &str) -> Option<u64> {
    var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn no_request_fails() -> Result<()> {
    let times = u8::try_from(number("HERALD_TRAFFIC").unwrap_or(1))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed = number("HERALD_SEED").unwrap_or(now);
    let policy = var("HERALD_POLICY").unwrap_or_else(|_| "Local".to_owned());
    let stateful = var("HERALD_ROUTERS").as_deref() != Ok("stateless");
    println!("HERALD_TRAFFIC={times} HERALD_SEED={seed} HERALD_POLICY={policy} stateful={stateful}");
    let started = Instant::now();
    let mut shop = Shop::open(&policy, stateful)?;
    println!("the cluster: {:?}", started.elapsed());
    let (story, load) = (Story::default(), shop.load()?);
    let done = disturb(&mut shop, &story, (seed, times));
    let outcome = load.stop()?;
    let told = format!("HERALD_SEED={seed}: {}", story.of(&outcome));
    println!("{told}");
    done.with_context(|| told.clone()).logged(|| shop.cluster.logs())?;
    ensure!(outcome.failed.is_empty(), "{told}\n{}", shop.cluster.logs());
    ensure!(outcome.answered() * 100 >= outcome.due * 95, "{told}");
    Ok(())
}

fn disturb(shop: &mut Shop, story: &Story, (seed, times): (u64, u8)) -> Result<()> {
    restarts_change_nothing_that_is_shown(shop, story)?;
    let edits = Edits::new(shop.kube.clone(), story.clone(), seed);
    let edits = std::thread::spawn(move || edits.make(EDITS * u32::from(times)));
    for turn in 0..TIMES * times {
        let node = 1 + turn % 3;
        story.tell(format!("node {node} is drained"));
        let tell = |what: &str| story.tell(format!("node {node}: {what}"));
        shop.drain(node, tell).with_context(|| format!("drain {turn}"))?;
        let node = 1 + (turn + 1) % 3;
        story.tell(format!("the agent of node {node} is killed"));
        shop.crash(node).with_context(|| format!("kill {turn}"))?;
    }
    edits.join().map_err(|_| anyhow::anyhow!("who edits panicked"))?
}

/// A rolling update of the agents; people and machines that read statuses see none of it.
fn restarts_change_nothing_that_is_shown(shop: &mut Shop, story: &Story) -> Result<()> {
    let before = wait_for("the Service is told to be advertised", LIMIT, || shop.shown())?;
    story.tell("agents are replaced".to_owned());
    shop.roll()?;
    story.tell("agents are replaced: done".to_owned());
    let after = shop.shown()?;
    ensure!(before == after, "before {before:?}, after {after:?}");
    Ok(())
}
