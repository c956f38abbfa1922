//! What each statement does to a session that is up, on real FRR: the table in `herald_frr::diff::EFFECTS`.
//!
//! One node with a session for each row; one step sets all statements, one changes them, one removes them. So each session
//! also shows that it is left alone by all that is done to the others.

mod rows;
mod whole;

use anyhow::{Context, Result, ensure};
use herald_e2e::{Bird, Frr, Lab, Logged, Release, wait_for};
use herald_frr::config::FrrConfig;
use herald_frr::diff::{ChangePlan, EFFECTS, Effect, Ownership, StatementEffect, edit, plan};
use herald_frr::running;
use rows::{CASES, Case, Form, Shows};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
/// Sessions have been up for longer than this before a step, and are looked at this long after it. By itself FRR looks at
/// routes again five seconds after a route-map has changed; that shall not fall into the next step.
const SETTLED: Duration = Duration::from_secs(6);

/// A session, as FRR counts.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    established: bool,
    up: u64,
    dropped: u64,
    updates: u64,
    refreshes: u64,
}

/// A node with its neighbors: each its own BIRD, as one BIRD has one session to an address.
struct Site {
    _lab: Lab,
    frr: Frr,
    release: Release,
    birds: Vec<(Bird, String)>,
    applied: FrrConfig,
}

impl Site {
    fn new(release: Release) -> Result<Self> {
        let lab = Lab::new()?;
        let (node, segment) = (lab.namespace("node")?, lab.segment("lan")?);
        segment.attach(&node, "eth0", &["172.30.0.1/24"])?;
        let mut birds = Vec::new();
        for (number, case) in (0_u8..).zip(CASES) {
            let namespace = lab.namespace(&format!("peer{number}"))?;
            segment.attach(&namespace, "eth0", &[&format!("172.30.0.{}/24", 10 + number)])?;
            let side = case.bird(number, Form::Plain)?;
            birds.push((Bird::start(&lab, &namespace, &side)?, side));
        }
        let frr = Frr::start(&lab, &node, release, "")?;
        Ok(Self { _lab: lab, frr, release, birds, applied: FrrConfig::default() })
    }

    /// The neighbors' sides, where they change.
    fn neighbors(&mut self, form: Form) -> Result<()> {
        for ((number, case), (bird, side)) in (0..).zip(CASES).zip(&mut self.birds) {
            let wanted = case.bird(number, form)?;
            if *side != wanted {
                fs::write(bird.control().with_file_name("bird.conf"), &wanted)?;
                let said = bird.ask("configure")?;
                ensure!(said.contains("econfigur"), "{said}");
                *side = wanted;
            }
        }
        Ok(())
    }

    /// Brings FRR to `config`. Where FRR runs what was applied, both ways to the plan are the same.
    fn apply(&mut self, config: &FrrConfig) -> Result<ChangePlan> {
        let running = running::parse(&self.frr.running()?);
        let ownership = Ownership { applied: Some(&self.applied), ..Ownership::shipped("") };
        let change = plan(&running, config, &ownership);
        if plan(&running, &self.applied, &ownership).is_empty() {
            let known = edit(&self.applied, config, running.map_delay()).context("FRR has to be asked")?;
            ensure!(known.script() == change.script(), "{}\nor\n{}", known.script(), change.script());
        }
        let loaded = self.frr.load(&change.script())?;
        ensure!(loaded.accepted, "{}\n{}", loaded.output, change.script());
        for clear in &change.soft_clears {
            self.frr.vtysh(&[&clear.command()])?;
        }
        self.applied = config.clone();
        Ok(change)
    }

    fn seen(&self) -> Result<BTreeMap<String, Seen>> {
        let all = self.frr.json("show bgp neighbors json")?;
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let sessions = all.as_object().context("no object")?.iter().filter(|(_, value)| value.is_object());
        let one = |value: &Value| Seen {
            established: value["bgpState"] == "Established",
            up: number(&value["bgpTimerUpMsec"]),
            dropped: number(&value["connectionsDropped"]),
            updates: number(&value["messageStats"]["updatesSent"]),
            refreshes: number(&value["messageStats"]["routeRefreshSent"]),
        };
        Ok(sessions.map(|(name, value)| (name.clone(), one(value))).collect())
    }

    /// Waits until every session has been up for a while.
    fn settled(&self, time: Duration) -> Result<BTreeMap<String, Seen>> {
        let least = u64::try_from(time.as_millis())?;
        wait_for("every session is up", LIMIT, || {
            let seen = self.seen()?;
            let late: Vec<_> = seen.iter().filter(|(_, s)| !s.established || s.up <= least).collect();
            ensure!(late.is_empty() && !seen.is_empty(), "{late:?}");
            Ok(seen)
        })
        .logged(|| self.frr.logs())
    }
}

/// The effect that the table gives.
fn promised(statement: &str, shows: Shows) -> Result<Effect> {
    let row = EFFECTS.iter().find(|row| row.statement == statement).with_context(|| statement.to_owned())?;
    let StatementEffect { set, change, remove, .. } = *row;
    Ok(match shows {
        Shows::Nothing => Effect::None,
        Shows::Set => set,
        Shows::Change => change,
        Shows::Remove => remove,
    })
}

fn restarted(before: Seen, after: Option<Seen>) -> bool {
    after.is_none_or(|after| !after.established || after.up < before.up || after.dropped > before.dropped)
}

fn config(form: Form) -> Result<FrrConfig> {
    let mut config = whole::around(form)?;
    rows::profiles(&mut config, form)?;
    for (number, case) in (0..).zip(CASES) {
        case.add(&mut config, number, form)?;
    }
    Ok(config)
}

/// Sessions that outlive what restarts others: FRR 8.4 says that this waits for the next connection, and a neighbor that
/// does not answer to BFD does not miss it.
fn spared(case: Case, release: Release) -> bool {
    case == Case::BfdAlone || (case == Case::GracefulRestart && release == Release::V8)
}

/// What a step did, held against the table.
fn judge(
    site: &Site,
    before: &BTreeMap<String, Seen>,
    change: &ChangePlan,
    step: [Form; 2],
) -> Result<Vec<String>> {
    let after = site.seen()?;
    let mut wrong = Vec::new();
    for (number, case) in (10..).zip(CASES) {
        let name = format!("172.30.0.{number}");
        let (Some(old), new) = (before.get(&name), after.get(&name)) else { continue };
        let effect = case.shows(step[0], step[1]).map(|(row, shows)| promised(row, shows)).transpose()?;
        let effect = effect.unwrap_or(Effect::None);
        let resets = restarted(*old, new.copied());
        let planned = change.resets.iter().any(|session| session.neighbor.to_string() == name);
        let again = new.is_some_and(|new| new.updates > old.updates || new.refreshes > old.refreshes);
        let reset = effect == Effect::Reset;
        let expected = (reset && !spared(case, site.release), reset);
        let quiet = effect == Effect::None && case != Case::Networks;
        if (resets, planned) != expected || (effect == Effect::Soft && !again) || (quiet && again) {
            wrong.push(format!(
                "{step:?} {case:?}: {effect:?} expected, planned {planned}; {old:?} -> {new:?}"
            ));
        }
    }
    Ok(wrong)
}

fn every_row(release: Release) -> Result<()> {
    let mut site = Site::new(release)?;
    site.apply(&config(Form::Plain)?)?;
    let mut wrong = Vec::new();
    for step in [[Form::Plain, Form::One], [Form::One, Form::Two], [Form::Two, Form::Plain]] {
        let before = site.settled(SETTLED)?;
        let change = site.apply(&config(step[1])?)?;
        sleep(SETTLED);
        wrong.extend(judge(&site, &before, &change, step)?);
        site.neighbors(step[1])?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    whole::routers(&mut site)
}

#[test]
fn frr_10_does_to_sessions_what_the_table_says() -> Result<()> {
    every_row(Release::V10)
}

#[test]
fn frr_8_does_to_sessions_what_the_table_says() -> Result<()> {
    every_row(Release::V8)
}
