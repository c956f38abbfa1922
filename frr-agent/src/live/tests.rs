//! The observer with an FRR that answers as told.

use super::event::Event;
use super::facts::Facts;
use super::observer::{Moment, Observer, TICK};
use super::question::{Answer, Question};
use super::sent::Delivery;
use herald_frr::config::FrrConfig;
use herald_frr::diff::Session;
use herald_frr::show::{
    BfdKey, BfdSession, BfdState, BfdTimers, LastReset, Prefixes, Route, SessionState, SessionSummary,
};
use herald_frr::value::Family;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Two sessions that get `gold`, one in VRF `red` that gets nothing; `networks` are of class `adv-gold`.
fn config(networks: &[&str]) -> Arc<FrrConfig> {
    let mut text = "route-map adv-gold permit 1\n set tag 2147483649\nexit\n".to_owned();
    for id in ["a", "b", "c"] {
        let _ = write!(text, "route-map {id}-in permit 1\nexit\n");
    }
    for id in ["a", "b"] {
        let _ = write!(text, "route-map {id}-out permit 1\n match tag 2147483649\nexit\n");
    }
    text += "bfd\n profile fast\n exit\nexit\nrouter bgp 64500\n neighbor 10.0.0.1 remote-as 64501\n \
        neighbor 10.0.0.1 bfd\n neighbor 10.0.0.1 bfd profile fast\n neighbor 10.0.0.2 remote-as 64501\n \
        address-family ipv4 unicast\n";
    for network in networks {
        let _ = writeln!(text, "  network {network} route-map adv-gold");
    }
    text += &active("10.0.0.1", "a");
    text += &active("10.0.0.2", "b");
    text += " exit-address-family\nexit\nrouter bgp 64500 vrf red\n neighbor 10.1.0.1 remote-as 64501\n \
        address-family ipv4 unicast\n";
    text += &active("10.1.0.1", "c");
    text += " exit-address-family\nexit\n";
    Arc::new(herald_frr::running::parse(&text).config)
}

fn active(address: &str, id: &str) -> String {
    let neighbor = format!("  neighbor {address}");
    format!("{neighbor} activate\n{neighbor} route-map {id}-in in\n{neighbor} route-map {id}-out out\n")
}

fn session(name: &str) -> Session {
    let (neighbor, vrf) = name.split_once('@').map_or((name, None), |(neighbor, vrf)| (neighbor, Some(vrf)));
    Session { vrf: vrf.map(|vrf| vrf.parse().unwrap()), neighbor: neighbor.parse().unwrap() }
}

fn prefixes(list: &[&str]) -> BTreeSet<IpNet> {
    list.iter().map(|prefix| prefix.parse().unwrap()).collect()
}

/// A session of the FRR that answers as told.
#[derive(Default)]
struct Told {
    up: bool,
    dropped: u64,
    sent: BTreeSet<IpNet>,
    reset: Option<&'static str>,
}

struct Bench {
    observer: Observer,
    now: Instant,
    sessions: BTreeMap<Session, Told>,
    bfd: BfdState,
    /// Every question that was asked, by the run.
    asked: Vec<Vec<Question>>,
}

impl Bench {
    fn new(networks: &[&str]) -> Self {
        let now = Instant::now();
        let mut observer = Observer::new(now);
        observer.configured(now, config(networks));
        let up = || Told { up: true, sent: prefixes(networks), ..Told::default() };
        let red = Told { up: true, ..Told::default() };
        let sessions = BTreeMap::from([
            (session("10.0.0.1"), up()),
            (session("10.0.0.2"), up()),
            (session("10.1.0.1@red"), red),
        ]);
        Self { observer, now, sessions, bfd: BfdState::Up, asked: Vec::new() }
    }

    fn told(&mut self, name: &str) -> &mut Told {
        self.sessions.get_mut(&session(name)).unwrap()
    }

    fn send(&mut self, networks: &[&str]) {
        for name in ["10.0.0.1", "10.0.0.2"] {
            self.told(name).sent = prefixes(networks);
        }
    }

    /// Runs the observer for a while and returns what it tells.
    fn pass(&mut self, time: Duration) -> Vec<Event> {
        let end = self.now + time;
        let mut events = Vec::new();
        while self.observer.wake_at() <= end {
            self.now = self.now.max(self.observer.wake_at());
            let questions = self.observer.ask(self.now);
            let answers = questions.iter().map(|question| self.answer(question)).collect();
            self.asked.push(questions);
            events.extend(self.observer.answered(Moment { at: self.now, seconds: 1 }, answers));
        }
        self.now = end;
        events
    }

    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Summary => {
                let sessions = self.sessions.iter().map(|(session, told)| (session.clone(), summary(told)));
                Answer::Summary(sessions.collect())
            }
            Question::Bfd => Answer::Bfd(vec![BfdSession {
                key: bfd_key(),
                state: self.bfd,
                since: None,
                diagnostic: (self.bfd == BfdState::Down).then(|| "control detection time expired".to_owned()),
                remote_diagnostic: None,
                timers: BfdTimers::default(),
            }]),
            Question::Ended(session) => {
                let due_to = self.sessions[session].reset.map(str::to_owned);
                Answer::Ended(
                    session.clone(),
                    due_to.map(|due_to| LastReset { due_to, ..LastReset::default() }),
                )
            }
            Question::Route(vrf, prefix) => {
                let of = self.sessions.iter().filter(|(session, _)| session.vrf == *vrf);
                let to = of.filter(|(_, told)| told.up && told.sent.contains(prefix));
                let advertised_to = to.map(|(session, _)| session.neighbor.clone()).collect();
                let route = Route { prefix: Some(*prefix), advertised_to, ..Route::default() };
                Answer::Route(vrf.clone(), *prefix, Some(route))
            }
            Question::Sent(session, family) => {
                let told = &self.sessions[session];
                let sent = if told.up { told.sent.clone() } else { BTreeSet::new() };
                Answer::Sent(session.clone(), *family, sent)
            }
        }
    }

    fn looks(&self) -> usize {
        self.asked.iter().flatten().filter(|question| matches!(question, Question::Sent(..))).count()
    }
}

fn established(facts: &Facts) -> BTreeSet<Session> {
    let up = facts.sessions.iter().filter(|one| one.state == "Established");
    up.map(|one| one.session.clone()).collect()
}

fn bfd_key() -> BfdKey {
    BfdKey { vrf: None, peer: "10.0.0.1".parse().unwrap(), local: None, interface: None, multihop: false }
}

fn summary(told: &Told) -> SessionSummary {
    let sent = if told.up { told.sent.len() as u64 } else { 0 };
    SessionSummary {
        state: if told.up { SessionState::Established } else { SessionState::Active },
        admin_down: false,
        since: Some(Duration::from_hours(1)),
        established: 1,
        dropped: told.dropped,
        prefixes: BTreeMap::from([(Family::V4.into(), Prefixes { received: 0, sent })]),
    }
}

const MINUTE: Duration = Duration::from_mins(1);
const ONE: &str = "192.0.2.1/32";
const TWO: &str = "192.0.2.2/32";

#[test]
fn at_rest_a_summary_every_tick_and_every_adj_rib_out_once_in_ten_minutes() {
    let mut bench = Bench::new(&[ONE, TWO]);
    assert_eq!(bench.pass(MINUTE * 10), []);
    let runs = bench.asked.len();
    assert!((400..=403).contains(&runs), "{runs} runs");
    assert!(bench.asked.iter().all(|questions| questions[..2] == [Question::Summary, Question::Bfd]));
    let mut looks: Vec<String> = bench
        .asked
        .iter()
        .flatten()
        .skip(2)
        .filter_map(|question| match question {
            Question::Sent(session, _) => Some(session.neighbor.to_string()),
            _ => None,
        })
        .collect();
    looks.sort();
    assert_eq!(looks, ["10.0.0.1", "10.0.0.2", "10.1.0.1"]);
    assert!(bench.asked.iter().all(|questions| questions.len() <= 3), "spread, not all at once");
    let facts = bench.observer.facts();
    assert_eq!((established(&facts).len(), facts.sessions.len(), facts.failure.is_none()), (3, 3, true));
    let announced = facts.sessions[0].families["ipv4Unicast"].announced.clone().unwrap();
    assert_eq!((announced.wanted, announced.missing, announced.unwanted), (2, 0, 0));
    assert_eq!(announced.checked, Some(1));
}

#[test]
fn a_session_that_goes_down_is_told_with_frrs_reason_at_once() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(MINUTE);
    let told = bench.told("10.0.0.2");
    (told.up, told.dropped, told.reset) = (false, 1, Some("Hold Timer Expired"));
    let down = Event::SessionDown(session("10.0.0.2"), "Hold Timer Expired".to_owned());
    assert_eq!(bench.pass(TICK), [down], "within one tick");
    assert_eq!(bench.pass(MINUTE), [], "no prefix is missing on a session that is down");
    assert_eq!(established(&bench.observer.facts()), [session("10.0.0.1"), session("10.1.0.1@red")].into());
    bench.told("10.0.0.2").up = true;
    assert_eq!(bench.pass(TICK), [Event::SessionUp(session("10.0.0.2"))]);
    // Down and up between two looks.
    let told = bench.told("10.0.0.2");
    (told.dropped, told.reset) = (2, Some("Peer closed the session"));
    let events = bench.pass(TICK);
    let down = Event::SessionDown(session("10.0.0.2"), "Peer closed the session".to_owned());
    assert_eq!(events, [Event::SessionUp(session("10.0.0.2")), down]);
    bench.sessions.remove(&session("10.0.0.1"));
    assert!(matches!(&bench.pass(TICK)[..], [Event::SessionDown(..)]));
    assert_eq!(bench.observer.facts().sessions[0].state, "Absent");
}

#[test]
fn what_is_not_sent_is_told_once_and_taken_back_when_it_is() {
    let mut bench = Bench::new(&[ONE, TWO]);
    bench.pass(MINUTE);
    bench.told("10.0.0.1").sent = prefixes(&[ONE]);
    let missing = vec![TWO.parse().unwrap()];
    assert_eq!(bench.pass(TICK * 2), [Event::NotAnnounced(session("10.0.0.1"), missing.clone())]);
    let announced = bench.observer.facts().sessions[0].families["ipv4Unicast"].announced.clone().unwrap();
    assert_eq!((announced.missing, &announced.missing_prefixes), (1, &missing));
    assert_eq!(bench.pass(MINUTE * 10), [], "it is told once");
    bench.told("10.0.0.1").sent = prefixes(&[ONE, TWO]);
    assert_eq!(bench.pass(TICK * 2), [Event::Announced(session("10.0.0.1"), missing)]);
}

#[test]
fn a_difference_that_stays_does_not_keep_frr_busy() {
    let mut bench = Bench::new(&[ONE, TWO]);
    bench.told("10.0.0.1").sent = BTreeSet::new();
    bench.pass(MINUTE * 60);
    let looks = bench.looks();
    // Sixty of the session in question, six rounds of all, and the first few.
    assert!((60..100).contains(&looks), "{looks} looks in an hour");
    assert!(bench.asked.len() < 60 * 60, "{} runs", bench.asked.len());
}

#[test]
fn what_nothing_asks_for_is_loud() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(MINUTE);
    bench.told("10.1.0.1@red").sent = prefixes(&["0.0.0.0/0"]);
    let default = vec!["0.0.0.0/0".parse().unwrap()];
    assert_eq!(bench.pass(TICK * 2), [Event::Unwanted(session("10.1.0.1@red"), default.clone())]);
    bench.told("10.1.0.1@red").sent = BTreeSet::new();
    assert_eq!(bench.pass(TICK * 2), [Event::NoLongerUnwanted(session("10.1.0.1@red"), default)]);
}

#[test]
fn after_a_change_the_changed_prefixes_are_asked_for_and_nothing_else() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(MINUTE);
    let (runs, looks) = (bench.asked.len(), bench.looks());
    bench.observer.configured(bench.now, config(&[ONE, TWO]));
    bench.send(&[ONE, TWO]);
    assert_eq!(bench.pass(TICK * 3), []);
    let asked: Vec<_> =
        bench.asked[runs..].iter().flatten().filter(|q| matches!(q, Question::Route(..))).collect();
    assert_eq!(asked, [&Question::Route(None, TWO.parse().unwrap())]);
    assert_eq!(bench.looks(), looks, "no adj-RIB-out is needed for that");
    let announced =
        |bench: &Bench| bench.observer.facts().sessions[0].families["ipv4Unicast"].announced.clone().unwrap();
    assert_eq!(announced(&bench).wanted, 2);

    bench.observer.configured(bench.now, config(&[ONE]));
    bench.send(&[ONE]);
    assert_eq!((bench.pass(TICK * 3), announced(&bench).wanted, bench.looks()), (vec![], 1, looks));
}

#[test]
fn a_changed_prefix_that_does_not_arrive_is_told_within_seconds() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(MINUTE);
    bench.observer.configured(bench.now, config(&[ONE, TWO]));
    bench.told("10.0.0.1").sent = prefixes(&[ONE, TWO]);
    let missing = Event::NotAnnounced(session("10.0.0.2"), vec![TWO.parse().unwrap()]);
    assert_eq!(bench.pass(TICK * 3), [missing]);
    // A withdrawal that FRR does not make.
    bench.observer.configured(bench.now, config(&[ONE]));
    bench.told("10.0.0.2").sent = prefixes(&[ONE]);
    let events = bench.pass(TICK * 3);
    let unwanted = Event::Unwanted(session("10.0.0.1"), vec![TWO.parse().unwrap()]);
    assert!(events.contains(&unwanted), "{events:?}");
}

#[test]
fn bfd_is_told() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(MINUTE);
    bench.bfd = BfdState::Down;
    let down = Event::BfdDown(bfd_key(), "control detection time expired".to_owned());
    assert_eq!(bench.pass(TICK), [down]);
    assert_eq!(bench.observer.facts().bfd[0].state, "Down");
    bench.bfd = BfdState::Up;
    assert_eq!(bench.pass(TICK), [Event::BfdUp(bfd_key())]);
}

#[test]
fn a_silent_frr_leaves_what_was_known_with_its_age() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(MINUTE);
    bench.observer.failed("vtysh did not end within 10 s".to_owned());
    let facts = bench.observer.facts();
    assert_eq!(facts.failure.as_deref(), Some("vtysh did not end within 10 s"));
    assert_eq!(established(&facts).len(), 3);
    let json = serde_json::to_value(&facts).unwrap();
    assert_eq!(json["sessions"][2]["vrf"], "red");
    assert_eq!(json["sessions"][0]["neighbor"], "10.0.0.1");
    bench.pass(TICK);
    assert_eq!(bench.observer.facts().failure, None);
}

/// An agent that has just started asks for the sessions before it knows what FRR was given: what its last run told may still be true.
#[test]
fn nothing_is_missing_before_it_is_known_what_frr_was_given() {
    let mut bench = Bench::new(&["192.0.2.1/32"]);
    bench.observer = Observer::new(bench.now);
    bench.observer.configured(bench.now, Arc::default());
    let delivery = |bench: &Bench| {
        let facts = bench.observer.facts();
        facts.sent.on(&session("10.0.0.1")).delivery(&"192.0.2.1/32".parse().unwrap())
    };
    bench.pass(TICK);
    assert_eq!(delivery(&bench), Delivery::Unknown);
    bench.observer.configured(bench.now, config(&["192.0.2.1/32"]));
    assert_eq!(delivery(&bench), Delivery::Unknown);
    bench.pass(TICK * 2);
    assert_eq!(delivery(&bench), Delivery::Sent);
}
