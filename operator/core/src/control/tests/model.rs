//! Two controllers on one API server, and everything that can go wrong between them: crashes before and after every
//! write, watches that lag and repeat, Leases that are lost in the middle of a write, writes that arrive late.
//!
//! `HERALD_OPERATIONS` and `HERALD_SEED` make runs longer and other ones; the seed is printed.

use super::super::{Effect, Input, LateWrites, ServiceWrite, WriteFailure};
use super::*;
use crate::ledger;
use crate::model::{InForce, Model};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Runs of one test.
const RUNS: u64 = 12;
const OPERATIONS: usize = 500;
/// Names of Services that never share an address, and of those that do.
const ALONE: [&str; 7] = ["x1", "x2", "x3", "x4", "x5", "x6", "x7"];
const SHARING: [&str; 3] = ["s1", "s2", "s3"];

/// Marsaglia's xorshift: good enough to choose, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let sides = u64::try_from(all.len()).unwrap();
        &all[usize::try_from(self.roll(sides)).unwrap()]
    }
}

/// A write on its way.
struct Sent {
    write: ServiceWrite,
    /// Who waits for the answer; nobody for a late one.
    by: Option<usize>,
}

struct Replica {
    controller: Controller,
    watch: Watch,
}

struct Lab {
    dice: Dice,
    api: Api,
    replicas: Vec<Replica>,
    leader: Option<usize>,
    network: Vec<Sent>,
    at: u64,
    /// What was done, for people.
    story: Vec<String>,
}

impl Lab {
    fn new(seed: u64) -> Self {
        let mut api = Api::default();
        api.put(Kind::Namespace, json!({"metadata": {"name": "default"}}));
        api.put(Kind::IpAddressPool, pool("small", &["10.0.0.1-10.0.0.4"]));
        let replica = || Replica { controller: Controller::new(options()), watch: Watch::new(&api) };
        let replicas = vec![replica(), replica()];
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self { dice, replicas, api, leader: None, network: Vec::new(), at: 0, story: Vec::new() }
    }

    fn operation(&mut self) {
        match self.dice.roll(40) {
            0..=3 => self.edit(),
            4 => {
                let name = *self.dice.pick(&ALONE);
                self.api.delete(Kind::Service, "default", name);
                self.story.push(format!("delete {name}"));
            }
            5 => self.edit_pools(),
            6..=17 => self.hear(),
            18..=33 => self.arrive(),
            34 => self.depose(),
            35..=37 => self.elect(),
            _ => {
                self.at += self.dice.roll(2_000);
                self.tick();
            }
        }
    }

    fn edit(&mut self) {
        let shares = self.dice.roll(3) == 0;
        let name = if shares { *self.dice.pick(&SHARING) } else { *self.dice.pick(&ALONE) };
        let mut object = service(name);
        if shares {
            let sharing = *self.dice.pick(&["one", "one", "two"]);
            let port = *self.dice.pick(&[80, 81, 82]);
            object["metadata"]["annotations"]["metallb.io/allow-shared-ip"] = json!(sharing);
            object["spec"]["ports"][0]["port"] = json!(port);
        }
        match self.dice.roll(8) {
            0 => object["spec"]["type"] = json!("ClusterIP"),
            1 => object["metadata"]["annotations"]["metallb.io/address-pool"] = json!("other"),
            2 => object["metadata"]["annotations"]["metallb.io/loadBalancerIPs"] = json!("10.0.0.2"),
            _ => {}
        }
        self.story
            .push(format!("edit {name} {} {}", object["metadata"]["annotations"], object["spec"]["type"]));
        self.api.put(Kind::Service, object);
    }

    fn edit_pools(&mut self) {
        let last = 2 + self.dice.roll(4);
        let range = format!("10.0.0.1-10.0.0.{last}");
        self.story.push(format!("pool small {range}"));
        self.api.put(Kind::IpAddressPool, pool("small", &[&range]));
        match self.dice.roll(3) {
            0 => drop(self.api.delete(Kind::IpAddressPool, NAMESPACE, "other")),
            _ => self.api.put(Kind::IpAddressPool, pool("other", &["10.9.0.1-10.9.0.2"])),
        }
    }

    /// A watch shows some of what happened, and some of it again.
    fn hear(&mut self) {
        let who = usize::try_from(self.dice.roll(2)).unwrap();
        let (again, most) = (self.dice.roll(3), self.dice.roll(6) + 1);
        self.hear_of(who, usize::try_from(again).unwrap(), usize::try_from(most).unwrap());
    }

    fn hear_of(&mut self, who: usize, again: usize, most: usize) {
        let watch = &mut self.replicas[who].watch;
        watch.hear(&self.api, again, most);
        let view = watch.view();
        let versions =
            view.facts.iter().map(|(key, facts)| format!("{}@{}", key.name, facts.resource_version));
        self.story.push(format!("{who} sees {}", versions.collect::<Vec<_>>().join(" ")));
        self.step(who, Input::View(view));
    }

    fn tick(&mut self) {
        for who in 0..2 {
            self.step(who, Input::Tick);
        }
    }

    /// A write arrives, or its answer gets lost, or it is lost itself, or its sender gives up and it is still there.
    fn arrive(&mut self) {
        if self.network.is_empty() {
            return;
        }
        let index = self.dice.roll(u64::try_from(self.network.len()).unwrap());
        let Sent { write, by } = self.network.remove(usize::try_from(index).unwrap());
        let (id, name) = (write.id, write.key.clone());
        match self.dice.roll(10) {
            0 => self.answer(by, id, Err(WriteFailure::Unknown)),
            1 => {
                let _ = self.carry_out(&write, by);
                self.answer(by, id, Err(WriteFailure::Unknown));
            }
            2 => {
                self.network.push(Sent { write, by: None });
                self.answer(by, id, Err(WriteFailure::Unknown));
            }
            3 => self.answer(by, id, Err(WriteFailure::Refused("busy".into()))),
            _ => {
                let result = self.carry_out(&write, by);
                self.story.push(format!("{name} is written by {by:?}: {result:?}"));
                self.answer(by, id, result);
            }
        }
    }

    fn carry_out(&mut self, write: &ServiceWrite, by: Option<usize>) -> Result<Written, WriteFailure> {
        let result = self.api.patch(write);
        if result.is_ok() {
            self.story.push(format!(
                "-> {} {:?} {}",
                write.key,
                write.patch.ips,
                if by.is_none() { "late" } else { "" }
            ));
        }
        result
    }

    fn answer(
        &mut self,
        by: Option<usize>,
        id: super::super::WriteId,
        result: Result<Written, WriteFailure>,
    ) {
        if let Some(who) = by {
            self.step(who, Input::Written { id, result });
        }
    }

    /// The leader crashes, or loses its Lease; what it sent may still arrive.
    fn depose(&mut self) {
        let Some(who) = self.leader.take() else { return };
        for sent in &mut self.network {
            sent.by = None;
        }
        if self.dice.roll(2) == 0 {
            self.story.push(format!("{who} crashes"));
            let watch = Watch::new(&self.api);
            self.replicas[who] = Replica { controller: Controller::new(options()), watch };
        } else {
            self.story.push(format!("{who} loses its Lease"));
            self.step(who, Input::Unlead);
        }
    }

    fn elect(&mut self) {
        if self.leader.is_some() {
            return;
        }
        let who = usize::try_from(self.dice.roll(2)).unwrap();
        self.story.push(format!("{who} leads"));
        self.leader = Some(who);
        self.replicas[who].watch = Watch::new(&self.api);
        let view = self.replicas[who].watch.view();
        self.step(who, Input::Lead { view, late: LateWrites::Possible });
    }

    fn step(&mut self, who: usize, input: Input) {
        self.at += 1;
        let mut waiting = self.replicas[who].controller.step(now(self.at), input);
        while !waiting.is_empty() {
            assert_eq!(self.leader, Some(who), "a follower does nothing: {waiting:?}");
            let (id, result) = match waiting.remove(0) {
                Effect::PatchService(write) => {
                    let same = |sent: &Sent| sent.by == Some(who) && sent.write.uid == write.uid;
                    assert!(!self.network.iter().any(same), "two writes at once: {write:?}");
                    let (patch, version) = (&write.patch, &write.resource_version);
                    let reasons: Vec<_> =
                        patch.conditions.iter().flat_map(|(_, it)| it).map(|it| it.reason).collect();
                    self.story
                        .push(format!("{who} sends {}@{version} {:?} {reasons:?}", write.key, patch.ips));
                    self.network.push(Sent { write, by: Some(who) });
                    continue;
                }
                Effect::PoolStatus(write) => (write.id, self.api.pool_status(&write)),
                Effect::ConfigurationState(write) => (write.id, Ok(self.api.configuration(&write))),
                Effect::DeleteNodeState(_) | Effect::Event(_) => continue,
            };
            waiting.extend(self.replicas[who].controller.step(now(self.at), Input::Written { id, result }));
        }
    }

    /// What a Service shows that never shares an address is shown by no other, at any instant.
    fn check(&self) {
        let mut holders: BTreeMap<IpAddr, ServiceKey> = BTreeMap::new();
        for name in ALONE.iter().chain(&SHARING) {
            let this = key(name);
            for ip in self.api.shown(&this) {
                let Some(other) = holders.insert(ip, this.clone()) else { continue };
                let share = [&this, &other].iter().all(|key| key.name.starts_with('s'));
                assert!(share, "{this} and {other} both show {ip}");
            }
        }
    }

    /// Nothing goes wrong any more, until nothing is left to do.
    fn calm(&mut self) {
        for sent in std::mem::take(&mut self.network) {
            if self.dice.roll(2) == 0 {
                let result = self.carry_out(&sent.write, sent.by);
                self.answer(sent.by, sent.write.id, result);
            } else {
                self.answer(sent.by, sent.write.id, Err(WriteFailure::Unknown));
            }
        }
        self.elect();
        let who = self.leader.unwrap();
        for _ in 0..200 {
            self.hear_of(who, 0, usize::MAX);
            for Sent { write, by } in std::mem::take(&mut self.network) {
                let result = self.carry_out(&write, by);
                self.answer(by, write.id, result);
            }
            self.at += 500;
            self.tick();
            self.check();
        }
        assert!(
            self.network.is_empty(),
            "it still writes: {:?}",
            self.network.last().map(|sent| &sent.write)
        );
    }

    /// What the rules of allocation make of the Services' status is what it is: nobody holds what another has, and
    /// whoever could be served is.
    fn check_settled(&mut self) {
        let view = Watch::new(&self.api).view();
        let model = Model::build(&view.parsed.snapshot, &InForce::default(), &options().model).model;
        let (_, outcomes) = ledger::allocate(&model);
        for (key, outcome) in &outcomes {
            let shown = self.api.shown(key);
            assert!(!outcome.changed, "{key} shows {shown:?} and should have {:?}", outcome.result);
            let facts = &view.facts[key];
            let condition = facts.condition(crate::input::objects::ALLOCATED).unwrap();
            let reason = outcome.error().map_or("Allocated", crate::problem::Reason::reason);
            assert_eq!(&*condition.reason, reason, "{key}: {condition:?}");
        }
        let pending = outcomes.values().filter(|outcome| outcome.error().is_some()).count();
        let facts = self.replicas[self.leader.unwrap()].controller.facts();
        assert_eq!(facts.pending.values().sum::<u64>(), u64::try_from(pending).unwrap());
        for (key, service) in &view.parsed.snapshot.services {
            if !model.services.contains_key(key) {
                let facts = view.facts.get(key);
                assert!(
                    facts.is_none_or(|it| it.pool_annotation.is_none() && it.conditions.is_empty()),
                    "{key}: {service:?}"
                );
            }
        }
    }
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "a test may be asked for a longer run")]
fn given(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run(seed: u64, operations: usize) {
    let mut lab = Lab::new(seed);
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..operations {
            lab.operation();
            lab.check();
        }
        lab.calm();
        lab.check_settled();
    }));
    if let Err(panic) = told {
        let from = lab.story.len().saturating_sub(60);
        println!("HERALD_SEED={seed} HERALD_OPERATIONS={operations}\n{}", lab.story[from..].join("\n"));
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn two_controllers_never_give_one_address_twice_and_serve_everyone_in_the_end() {
    let operations = given("HERALD_OPERATIONS").map_or(OPERATIONS, |given| usize::try_from(given).unwrap());
    match given("HERALD_SEED") {
        Some(seed) => run(seed, operations),
        None => (1..=RUNS).for_each(|seed| run(seed, operations)),
    }
}

/// Many short runs end in many different states.
#[test]
fn short_runs_settle_wherever_they_end() {
    (1000..1200).for_each(|seed| run(seed, 25));
}
