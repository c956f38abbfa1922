//! The desk with an API server that does what it is asked.

use super::super::told::Reload;
use super::*;
use crate::live::SessionFacts;
use crate::live::sent_for_tests as sent_of;
use herald_core::plan::Offered;
use herald_frr::config::FrrConfig;
use herald_frr::diff::Session;
use ipnet::IpNet;
use std::fmt::Write as _;

const NODE: &str = "node-1";

fn config() -> Arc<FrrConfig> {
    let mut text = "route-map adv permit 1\n set tag 2147483649\nexit\n".to_owned();
    for id in ["a", "b"] {
        let _ = write!(
            text,
            "route-map {id}-in permit 1\nexit\nroute-map {id}-out permit 1\n match tag 2147483649\nexit\n"
        );
    }
    text += "router bgp 64500\n neighbor 10.0.0.1 remote-as 64501\n neighbor 10.0.0.2 remote-as 64501\n \
        address-family ipv4 unicast\n  network 192.0.2.1/32 route-map adv\n  network 192.0.2.2/32 route-map adv\n";
    for (address, id) in [("10.0.0.1", "a"), ("10.0.0.2", "b")] {
        let _ = write!(
            text,
            "  neighbor {address} activate\n  neighbor {address} route-map {id}-in in\n  \
             neighbor {address} route-map {id}-out out\n"
        );
    }
    Arc::new(herald_frr::running::parse(&(text + " exit-address-family\nexit\n")).config)
}

fn session(neighbor: &str) -> Session {
    Session { vrf: None, neighbor: neighbor.parse().unwrap() }
}

fn service(name: &str) -> ServiceKey {
    ServiceKey { namespace: "default".into(), name: name.into() }
}

/// Both sessions; those named stand and were sent everything but what is missing on all of them.
fn facts(up: &[&str], missing: &[&str]) -> Arc<Facts> {
    let of = |neighbor: &str| SessionFacts {
        session: session(neighbor),
        configured: true,
        state: if up.contains(&neighbor) { "Established" } else { "Active" },
        since_seconds: None,
        times_up: 1,
        times_down: 0,
        last_reset: None,
        families: BTreeMap::new(),
    };
    let missing: BTreeSet<IpNet> = missing.iter().map(|prefix| prefix.parse().unwrap()).collect();
    let sessions: Vec<Session> = up.iter().map(|neighbor| session(neighbor)).collect();
    Arc::new(Facts {
        seen: Some(1),
        failure: None,
        sessions: vec![of("10.0.0.1"), of("10.0.0.2")],
        bfd: Vec::new(),
        sent: Arc::new(sent_of(config(), &sessions, &missing)),
    })
}

/// `web` and `dns` are for both peers.
fn told(services: &[(&str, &str)]) -> Arc<Told> {
    let offered = services.iter().map(|(name, prefix)| {
        let peers = Arc::new(BTreeSet::from([Arc::from("one"), Arc::from("two")]));
        (service(name), Arc::new(Offered { prefixes: [prefix.parse().unwrap()].into(), peers }))
    });
    let sessions = [("one", "10.0.0.1"), ("two", "10.0.0.2")];
    let sessions =
        sessions.into_iter().map(|(name, neighbor)| (Arc::from(name), session(neighbor))).collect();
    Arc::new(Told {
        planned: true,
        offered: offered.collect(),
        sessions: Arc::new(sessions),
        reload: Reload::Taken,
        ..Told::default()
    })
}

const WEB: (&str, &str) = ("web", "192.0.2.1/32");
const DNS: (&str, &str) = ("dns", "192.0.2.2/32");

/// An object that nobody owns.
fn stood(body: Option<Body>, version: u64) -> Standing {
    Standing { body, sound: true, uid: None, owner: None, version }
}

struct Bench {
    desk: Desk,
    at: Instant,
    api: BTreeMap<Id, Standing>,
    writes: Vec<Write>,
    version: u64,
    /// What the server makes of a status.
    stores: fn(Body) -> Body,
}

impl Bench {
    /// A server where these stand, and a desk that has listed it.
    fn new(api: BTreeMap<Id, Standing>) -> Self {
        let at = Instant::now();
        let desk = Desk::new(NODE, true, at);
        let mut bench = Self { desk, at, api, writes: Vec::new(), version: 100, stores: |body| body };
        bench.list();
        bench
    }

    fn list(&mut self) {
        for (id, standing) in self.api.clone() {
            self.desk.stands(self.now(), &id, Some(standing));
        }
        for kind in Kind::ALL {
            let ids = self.api.keys().filter(|id| id.kind() == kind).cloned().collect();
            self.desk.listed(self.now(), kind, &ids);
        }
    }

    /// One whose plan and FRR agree.
    fn settled(services: &[(&str, &str)]) -> Self {
        let mut bench = Self::new(BTreeMap::new());
        bench.desk.running(bench.now(), "frr version 10.3".into());
        bench.desk.told(bench.now(), told(services));
        bench.desk.facts(bench.now(), facts(&["10.0.0.1", "10.0.0.2"], &[]));
        bench.run();
        bench.writes.clear();
        bench
    }

    fn now(&self) -> Now {
        Now { at: self.at, wall: Timestamp::from_second(1_700_000_000).unwrap() }
    }

    /// Makes every write that is due.
    fn run(&mut self) {
        while let Some(write) = self.desk.next(self.at) {
            self.version += 1;
            let answer = match &write {
                Write::Put { id, body, create, mend, owner } => {
                    assert_eq!(*create, !self.api.contains_key(id), "{write:?}");
                    let mut standing = stood(Some((self.stores)(body.clone())), self.version);
                    let owned = self.api.get(id).and_then(|known| known.owner.clone());
                    standing.uid = (*id == Id::NodeState).then(|| "uid".into());
                    standing.owner = if *create || *mend { owner.clone() } else { owned };
                    self.api.insert(id.clone(), standing.clone());
                    Answer::Done(Some(standing))
                }
                Write::Delete(id) => {
                    assert!(self.api.remove(id).is_some(), "{id:?}");
                    Answer::Done(None)
                }
                Write::Event(_) => Answer::Done(None),
            };
            self.writes.push(write);
            self.desk.answered(self.now(), answer);
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.at += Duration::from_secs(seconds);
        self.run();
    }

    fn see(&mut self, up: &[&str], missing: &[&str]) {
        self.desk.facts(self.now(), facts(up, missing));
        self.run();
    }

    fn peers(&self, name: &str) -> Option<Vec<&str>> {
        match &self.api.get(&Id::Service(service(name)))?.body {
            Some(Body::Service(peers)) => Some(peers.iter().map(|peer| &**peer).collect()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn nothing_is_written_before_plan_frr_and_api_are_known() {
    let mut bench = Bench::new(BTreeMap::new());
    bench.run();
    bench.desk.told(bench.now(), told(&[WEB]));
    bench.run();
    assert_eq!(bench.writes, []);
    bench.see(&["10.0.0.1"], &[]);
    assert!(!bench.api.contains_key(&Id::NodeState), "FRR's running configuration was not read");
    assert_eq!(bench.peers("web"), Some(vec!["one"]));
}

#[test]
fn what_was_sent_is_told_once_and_nothing_at_rest() {
    let mut bench = Bench::settled(&[WEB, DNS]);
    assert_eq!(
        (bench.peers("web"), bench.peers("dns")),
        (Some(vec!["one", "two"]), Some(vec!["one", "two"]))
    );
    let sessions = bench.api.keys().filter(|id| id.kind() == Kind::Session).count();
    assert_eq!((bench.api.len(), sessions), (6, 2), "{:?}", bench.api.keys());
    for _ in 0..10 {
        bench.see(&["10.0.0.1", "10.0.0.2"], &[]);
        bench.desk.told(bench.now(), told(&[WEB, DNS]));
        bench.list();
        bench.pass(60);
    }
    assert_eq!(bench.writes, []);
}

#[test]
fn an_event_is_told_when_it_begins_and_not_again() {
    let mut bench = Bench::settled(&[WEB]);
    bench.desk.told(bench.now(), told(&[WEB, DNS]));
    bench.run();
    let events = |bench: &Bench| bench.writes.iter().filter(|write| matches!(write, Write::Event(_))).count();
    assert_eq!((events(&bench), bench.writes.last()), (1, Some(&Write::Event(service("dns")))));
    bench.see(&["10.0.0.1"], &[]);
    bench.see(&["10.0.0.1", "10.0.0.2"], &[]);
    assert_eq!(events(&bench), 1);
}

#[test]
fn a_lost_peer_is_told_at_once_and_without_any_the_object_goes() {
    let mut bench = Bench::settled(&[WEB]);
    bench.see(&["10.0.0.2"], &[]);
    assert_eq!(bench.peers("web"), Some(vec!["two"]));
    bench.see(&[], &[]);
    assert_eq!(
        bench.peers("web"),
        Some(vec![]),
        "the operator sees at once that it was not deleted by somebody"
    );
    bench.pass(10);
    assert_eq!(bench.peers("web"), None);
    bench.see(&["10.0.0.2"], &[]);
    assert_eq!(bench.peers("web"), Some(vec!["two"]));
}

#[test]
fn a_prefix_that_frr_does_not_send_is_not_told() {
    let mut bench = Bench::settled(&[WEB, DNS]);
    bench.see(&["10.0.0.1", "10.0.0.2"], &["192.0.2.2/32"]);
    assert_eq!((bench.peers("web"), bench.peers("dns")), (Some(vec!["one", "two"]), Some(vec![])));
}

#[test]
fn after_a_restart_what_stands_stays_and_what_should_not_goes() {
    let known = Bench::settled(&[WEB]).api;
    let mut left = known.clone();
    left.insert(Id::Other(Kind::Service, "bgp-x7k2p".into()), stood(None, 1));
    left.insert(Id::Session(session("10.0.0.9")), stood(None, 1));
    left.insert(Id::Service(service("gone")), stood(None, 1));
    let mut bench = Bench::new(left);
    // FRR has been asked for its sessions and nothing else.
    let mut unasked = Facts::clone(&facts(&["10.0.0.1", "10.0.0.2"], &[]));
    let none = unasked.sent.sessions.keys().map(|session| (session.clone(), BTreeMap::new())).collect();
    unasked.sent = Arc::new(Sent { sessions: none, ..Sent::clone(&unasked.sent) });
    bench.desk.told(bench.now(), told(&[WEB]));
    bench.desk.running(bench.now(), "frr version 10.3".into());
    bench.desk.facts(bench.now(), Arc::new(unasked));
    bench.run();
    bench.see(&["10.0.0.1", "10.0.0.2"], &[]);
    assert_eq!(bench.api.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
    assert!(bench.writes.iter().all(|write| matches!(write, Write::Delete(_))), "{:?}", bench.writes);
}

#[test]
fn what_others_delete_or_edit_comes_back_and_a_fight_becomes_slow() {
    let mut bench = Bench::settled(&[WEB]);
    let web = Id::Service(service("web"));
    let edited = stood(None, 10_000);
    bench.api.insert(web.clone(), edited.clone());
    bench.desk.stands(bench.now(), &web, Some(edited));
    bench.version = 10_000;
    bench.run();
    assert_eq!(bench.peers("web"), Some(vec!["one", "two"]));
    for _ in 0..600 {
        if bench.api.remove(&web).is_some() {
            bench.desk.stands(bench.now(), &web, None);
        }
        bench.run();
        bench.pass(1);
    }
    let made = bench.writes.iter().filter(|write| matches!(write, Write::Put { create: true, .. })).count();
    assert!((3..30).contains(&made), "made {made} times in ten minutes");
    bench.pass(60);
    assert_eq!(bench.peers("web"), Some(vec!["one", "two"]));
}

#[test]
fn a_server_that_drops_a_field_is_not_written_to_again_and_again() {
    let mut bench = Bench::settled(&[WEB]);
    bench.stores = |body| match body {
        Body::NodeState(mut state) => {
            state.status.conditions.clear();
            Body::NodeState(state)
        }
        body => body,
    };
    bench.desk.running(bench.now(), "another text".into());
    bench.run();
    assert_eq!(bench.writes.len(), 1);
    bench.pass(60);
    bench.list();
    bench.see(&["10.0.0.1", "10.0.0.2"], &[]);
    assert_eq!(bench.writes.len(), 1, "{:?}", bench.writes);
}

#[test]
fn what_fails_is_tried_again_later_and_later() {
    let mut bench = Bench::settled(&[WEB]);
    bench.desk.running(bench.now(), "another text".into());
    let start = bench.at;
    let mut waits = Vec::new();
    for _ in 0..9 {
        let at = bench.desk.wake_at(bench.at).unwrap();
        waits.push((at - bench.at).as_secs());
        bench.at = at;
        assert!(bench.desk.next(at).is_some());
        bench.desk.answered(bench.now(), Answer::Failed);
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(bench.at > start);
}

#[test]
fn an_frr_that_says_nothing_for_long_has_lost_its_sessions() {
    let mut bench = Bench::settled(&[WEB]);
    let silent = Facts {
        failure: Some("no answer".to_owned()),
        ..Facts::clone(&facts(&["10.0.0.1", "10.0.0.2"], &[]))
    };
    bench.desk.facts(bench.now(), Arc::new(silent.clone()));
    bench.pass(5);
    assert_eq!(bench.peers("web"), Some(vec!["one", "two"]));
    bench.at += SILENCE;
    bench.desk.facts(bench.now(), Arc::new(silent));
    bench.run();
    assert_eq!(bench.peers("web"), Some(vec![]));
    assert!(bench.api.keys().all(|id| id.kind() != Kind::Session));
    let Some(Body::NodeState(state)) = &bench.api[&Id::NodeState].body else { panic!() };
    let answers = state.status.conditions.iter().find(|condition| condition.type_ == "FRRAnswers").unwrap();
    assert_eq!(answers.status, "False");
}

#[test]
fn of_very_many_services_the_first_are_told_at_once_and_then_one_write_a_second() {
    let names: Vec<String> = (0..1_000).map(|number| format!("s{number}")).collect();
    let services: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "192.0.2.1/32")).collect();
    let mut bench = Bench::settled(&services);
    let made = |bench: &Bench| bench.api.keys().filter(|id| id.kind() == Kind::Service).count();
    let first = made(&bench);
    assert!((100..160).contains(&first), "{first} at once");
    for _ in 0..100 {
        bench.pass(1);
    }
    assert!((first + 45..=first + 51).contains(&made(&bench)), "{} after 100 s", made(&bench));
}

#[test]
fn everything_belongs_to_the_nodes_frrnodestate_also_when_that_is_made_anew() {
    let mut bench = Bench::settled(&[WEB]);
    let owners = |bench: &Bench| -> BTreeSet<Option<String>> {
        let others = bench.api.iter().filter(|(id, _)| **id != Id::NodeState);
        others.map(|(_, standing)| standing.owner.as_deref().map(str::to_owned)).collect()
    };
    assert_eq!(owners(&bench), [Some("uid".to_owned())].into());
    // Another agent finds all of it as it should be.
    let mut next = Bench::new(bench.api.clone());
    next.desk.told(next.now(), told(&[WEB]));
    next.desk.running(next.now(), "frr version 10.3".into());
    next.see(&["10.0.0.1", "10.0.0.2"], &[]);
    assert_eq!(next.writes, []);
    let mut state = bench.api[&Id::NodeState].clone();
    state.uid = Some("another".into());
    state.version += 1000;
    bench.api.insert(Id::NodeState, state.clone());
    bench.desk.stands(bench.now(), &Id::NodeState, Some(state));
    bench.version += 2000;
    bench.run();
    assert_eq!(owners(&bench), [Some("another".to_owned())].into());
}

#[test]
fn where_frr_is_somebody_elses_only_the_configuration_is_told() {
    let mut bench = Bench::new(BTreeMap::new());
    bench.desk = Desk::without_frr(NODE, bench.at);
    bench.list();
    bench.run();
    assert!(bench.api.is_empty(), "nothing is planned yet");
    bench.desk.told(bench.now(), told(&[WEB]));
    bench.run();
    assert_eq!(bench.api.keys().collect::<Vec<_>>(), [&Id::Configuration]);
}
