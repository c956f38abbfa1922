//! Random inputs against a model of FRR: after each reading the machine believes what FRR runs, and when things are
//! quiet FRR runs what is wanted, or the last good configuration where that is refused.

use super::*;
use herald_frr::show::{OwnPath, Route};
use proptest::prelude::*;
use std::collections::VecDeque;

/// The model refuses configurations with this prefix.
const BAD: u8 = 7;

#[derive(Debug, Clone, Copy)]
enum Answer {
    Well,
    /// Everything but one prefix is there, and nobody says so.
    Loses,
    /// vtysh fails before, in the middle, and after.
    Fails(u8),
}

#[derive(Debug, Clone)]
enum Event {
    Wanted(Vec<u8>, u8),
    Answer(Answer),
    Checked(bool),
    Down,
    Up,
    Due,
    /// Somebody types `no network`.
    ByHand,
}

fn events() -> impl Strategy<Value = Event> {
    let answer = prop_oneof![6 => Just(Answer::Well), 1 => Just(Answer::Loses), 1 => (0..3_u8).prop_map(Answer::Fails)];
    prop_oneof![
        6 => (prop::collection::vec(0..=BAD, 0..5), 0..3_u8).prop_map(|(n, id)| Event::Wanted(n, id)),
        12 => answer.prop_map(Event::Answer),
        3 => any::<bool>().prop_map(Event::Checked),
        1 => Just(Event::Down),
        2 => Just(Event::Up),
        4 => Just(Event::Due),
        1 => Just(Event::ByHand),
    ]
}

fn wanted(networks: &[u8], id: u8) -> Arc<FrrConfig> {
    let lines: Vec<String> = networks.iter().map(|n| format!("  network 192.0.2.{n}/32\n")).collect();
    let text = ONE.replace("  network 192.0.2.1/32\n", &lines.concat());
    config(&text.replace("64500\n", &format!("64500\n bgp router-id 192.0.2.{}\n", id + 1)))
}

fn is_bad(config: &FrrConfig) -> bool {
    let bad = format!("192.0.2.{BAD}/32");
    config.routers.values().any(|router| router.networks.keys().any(|prefix| prefix.to_string() == bad))
}

/// FRR, and the vtysh runs that it has not answered.
struct World {
    drive: Drive,
    runs: Arc<FrrConfig>,
    up: bool,
    jobs: VecDeque<(Run, Option<Arc<FrrConfig>>)>,
    checks: VecDeque<(Run, Vec<Question>)>,
}

impl World {
    fn new() -> Self {
        let drive = Drive::new(None, Drift::Repair);
        Self { drive, runs: Arc::default(), up: false, jobs: [].into(), checks: [].into() }
    }

    fn give(&mut self, input: Input) {
        for output in self.drive.give(input) {
            match output {
                Output::Read(run) => self.jobs.push_back((run, None)),
                Output::Apply(run, _) => {
                    let Phase::Applying(_, change) = &self.drive.machine.phase else { panic!("no apply") };
                    self.jobs.push_back((run, Some(change.goal.config().clone())));
                }
                Output::Check(run, questions) => self.checks.push_back((run, questions)),
                _ => {}
            }
        }
        let applies = self.jobs.iter().filter(|(_, goal)| goal.is_some()).count();
        assert!(applies <= 1 || !self.up, "one apply at a time");
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Wanted(networks, id) => self.give(Input::Wanted(wanted(&networks, id))),
            Event::Answer(answer) => self.answer(answer),
            Event::Checked(well) => self.check(well),
            Event::Down if self.up => {
                (self.up, self.runs) = (false, Arc::default());
                // A vtysh that runs ends with the daemon; its answer comes late.
                self.give(Input::FrrDown);
            }
            Event::Up if !self.up => {
                self.up = true;
                self.give(Input::FrrUp);
            }
            Event::Due => {
                if let Some(due) = self.drive.machine.wake_at() {
                    self.drive.now = self.drive.now.max(due);
                    self.give(Input::Due);
                }
            }
            Event::ByHand => self.runs = without_one(&self.runs),
            Event::Down | Event::Up => {}
        }
    }

    fn answer(&mut self, answer: Answer) {
        let Some((run, goal)) = self.jobs.pop_front() else { return };
        if let Answer::Fails(part) = answer {
            if let Some(goal) = goal.as_ref().filter(|_| self.up && part > 0) {
                self.runs = if part == 1 || is_bad(goal) { without_one(goal) } else { goal.clone() };
            }
            let input = match goal {
                Some(_) => Input::Applied(run, Err(failure("killed"))),
                None => Input::Running(run, Err(failure("killed"))),
            };
            return self.give(input);
        }
        match goal {
            None => {
                self.give(Input::Running(run, Ok(Box::new(running::parse(&text_of(&self.runs))))));
                let believed = self.drive.machine.believed.as_ref();
                assert!(believed.is_none_or(|believed| *believed == self.runs), "wrong after reading");
            }
            Some(goal) => {
                let refused = if is_bad(&goal) || !self.up { refused_lines() } else { Vec::new() };
                let loses = matches!(answer, Answer::Loses) || !refused.is_empty();
                if self.up {
                    self.runs = if loses { without_one(&goal) } else { goal };
                }
                self.give(Input::Applied(run, Ok(refused)));
            }
        }
    }

    fn check(&mut self, well: bool) {
        let Some((run, questions)) = self.checks.pop_front() else { return };
        let networks = self.runs.routers.get(&None).map(|router| router.networks.clone()).unwrap_or_default();
        let route = || Route { own: Some(OwnPath::default()), ..Route::default() };
        let facts = questions.iter().map(|(_, prefix)| networks.contains_key(prefix).then(route));
        let answer = if well { Ok(facts.collect()) } else { Err(failure("killed")) };
        self.give(Input::Checked(run, answer));
    }

    /// Nothing goes wrong any more.
    fn settles(&mut self) {
        self.happens(Event::Up);
        self.drive.now += STARTING;
        for _ in 0..12 {
            while !self.jobs.is_empty() {
                self.answer(Answer::Well);
            }
            while !self.checks.is_empty() {
                self.check(true);
            }
            self.happens(Event::Due);
        }
        while !self.jobs.is_empty() {
            self.answer(Answer::Well);
        }
    }
}

/// Without its last prefix: the bad one, if it has that.
fn without_one(config: &Arc<FrrConfig>) -> Arc<FrrConfig> {
    let mut config = FrrConfig::clone(config);
    for router in config.routers.values_mut() {
        let last = router.networks.keys().last().copied();
        last.and_then(|last| router.networks.remove(&last));
    }
    Arc::new(config)
}

proptest! {
    #[test]
    fn the_machine_believes_what_runs_and_ends_at_what_is_wanted(
        events in prop::collection::vec(events(), 1..60)
    ) {
        let mut world = World::new();
        world.happens(Event::Wanted(vec![1], 0));
        for event in events {
            world.happens(event);
        }
        world.settles();
        let machine = &world.drive.machine;
        let wanted = machine.wanted.clone().unwrap();
        // Refused, or taken and not kept: not tried again until it changes.
        if machine.refused.as_ref() == Some(&wanted) {
            let back = machine.last_good.clone().or_else(|| machine.found.clone()).unwrap();
            prop_assert_eq!(&back, &world.runs);
        } else {
            prop_assert!(!is_bad(&wanted));
            prop_assert_eq!(Some(&wanted), machine.believed.as_ref());
            prop_assert_eq!(&wanted, &world.runs);
        }
    }
}
