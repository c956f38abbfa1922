use super::edits::edits;
use super::*;
use herald_core::input;
use herald_core::model::{InForce, Model, Options};
use herald_core::snapshot::Snapshot;
use proptest::prelude::*;

fn session(name: &str) -> Session {
    Session { vrf: None, neighbor: name.parse().unwrap() }
}

fn sessions(names: &str) -> BTreeSet<Session> {
    names.split_whitespace().map(session).collect()
}

fn edit(object: &str, within: Option<u64>, previous: Option<Kept>) -> Edit {
    Edit { object: object.to_owned(), within: within.map(Duration::from_secs), previous }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// One edit of `a` with 30 s while `before` is up and `wanted` is wanted, then what is up after `at` seconds.
fn outcome(before: &str, wanted: &str, at: u64, up: &str) -> String {
    let (mut confirm, start) = (Confirm::default(), Instant::now());
    let wanted = sessions(wanted);
    confirm.edited(start, vec![edit("a", Some(30), None)], &sessions(before), |one| wanted.contains(one));
    match &confirm.look(start + seconds(at), &sessions(up))[..] {
        [] => "pending".to_owned(),
        [Verdict::Confirmed(_)] => "confirmed".to_owned(),
        [Verdict::Failed { lost, .. }] => {
            format!("failed {}", lost.iter().map(name).collect::<Vec<_>>().join(" "))
        }
        more => format!("{more:?}"),
    }
}

#[test]
fn sessions_that_were_up_and_are_wanted_must_be_up_when_the_time_is_over() {
    for (before, wanted, at, up, result) in [
        ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2", 29, "", "pending"),
        ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2", 30, "10.0.0.1 10.0.0.2", "confirmed"),
        ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2", 30, "10.0.0.1", "failed 10.0.0.2"),
        ("10.0.0.1 eth0", "10.0.0.1 eth0", 99, "", "failed 10.0.0.1 eth0"),
        // Not up before, or not wanted any more: it owes nothing.
        ("10.0.0.1", "10.0.0.1 10.0.0.2", 30, "10.0.0.1", "confirmed"),
        ("10.0.0.1 10.0.0.2", "10.0.0.2", 30, "10.0.0.2", "confirmed"),
        ("", "10.0.0.1", 30, "", "confirmed"),
    ] {
        assert_eq!(outcome(before, wanted, at, up), result, "{before} / {wanted} / {at} / {up}");
    }
}

fn manifests(annotation: &str, asn: u32, hold: u32) -> Snapshot {
    let peer = format!(
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: tor, namespace: m{annotation}}}\n\
         spec: {{myASN: 64512, peerASN: {asn}, peerAddress: 192.0.2.1, holdTime: {hold}s}}\n"
    );
    let text = input::SourceText { file: "test.yaml".into(), text: peer.into() };
    input::parse(&[text], &input::Options::default()).snapshot
}

fn in_force(snapshot: &Snapshot) -> InForce {
    Model::build(snapshot, &InForce::default(), &Options::default()).in_force
}

const ASKED: &str = ", annotations: {herald.metallb.io/commit-confirmed: 30s}";
const ASKED_LONGER: &str = ", annotations: {herald.metallb.io/commit-confirmed: 40s}";

#[test]
fn an_edit_is_a_change_of_the_spec_and_not_of_the_annotation() {
    let found = |before: &Snapshot, after: &Snapshot| edits(&in_force(before), &in_force(after), after);
    let (plain, asked) = (manifests("", 1, 90), manifests(ASKED, 1, 90));
    assert_eq!(found(&plain, &asked), []);
    assert_eq!(found(&asked, &manifests(ASKED_LONGER, 1, 90)), []);

    let edited = found(&plain, &manifests(ASKED, 2, 90));
    let [Edit { object, within, previous: Some(Kept::Peer(form)) }] = &edited[..] else {
        panic!("{edited:?}")
    };
    assert_eq!((object.as_str(), *within), ("BGPPeer m/tor", Some(seconds(30))));
    assert_eq!(form.spec.peer_asn, Some(1));
    assert_eq!(found(&asked, &manifests("", 1, 30))[0].within, None);

    let new = edits(&InForce::default(), &in_force(&asked), &asked);
    assert_eq!(new, [edit("BGPPeer m/tor", Some(30), None)]);
}

fn kept() -> Option<Kept> {
    let before = manifests(ASKED, 1, 90);
    let mut found = edits(&in_force(&before), &in_force(&manifests(ASKED, 2, 90)), &before);
    found.pop().unwrap().previous
}

#[test]
fn a_second_edit_starts_again_and_owes_what_the_first_lost() {
    let (mut confirm, start) = (Confirm::default(), Instant::now());
    confirm.edited(start, vec![edit("a", Some(30), kept())], &sessions("10.0.0.1"), |_| true);
    // The session is down when the second edit comes; it had another form before.
    confirm.edited(start + seconds(10), vec![edit("a", Some(30), None)], &sessions(""), |_| true);
    assert_eq!(confirm.wake_at(), Some(start + seconds(40)));
    assert_eq!(confirm.look(start + seconds(30), &sessions("")), []);
    let verdicts = confirm.look(start + seconds(40), &sessions(""));
    let [Verdict::Failed { watch, lost }] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert_eq!((&watch.previous, lost), (&kept(), &sessions("10.0.0.1")));
    assert_eq!(confirm.wake_at(), None);
}

#[test]
fn an_edit_without_the_annotation_ends_the_watch() {
    let (mut confirm, start) = (Confirm::default(), Instant::now());
    confirm.edited(start, vec![edit("a", Some(30), None)], &sessions("10.0.0.1"), |_| true);
    confirm.edited(start, vec![edit("a", None, None)], &sessions("10.0.0.1"), |_| true);
    assert_eq!(confirm.look(start + seconds(60), &sessions("")), []);
}

#[test]
fn a_restart_of_the_agent_confirms_nothing() {
    let (mut confirm, start) = (Confirm::default(), Instant::now());
    confirm.edited(start, vec![edit("a", Some(30), kept())], &sessions("10.0.0.1 eth0"), |_| true);
    let json = serde_json::to_string(&confirm.saved().collect::<Vec<_>>()).unwrap();
    let later = start + seconds(25);
    let mut again = Confirm::restore(later, serde_json::from_str(&json).unwrap());
    assert_eq!(again.saved().collect::<Vec<_>>(), confirm.saved().collect::<Vec<_>>());
    assert_eq!(again.wake_at(), Some(later + seconds(30)));
    assert!(matches!(again.look(later + seconds(30), &sessions("eth0"))[..], [Verdict::Failed { .. }]));
}

#[test]
fn conditions_say_what_happened() {
    let (mut confirm, start) = (Confirm::default(), Instant::now());
    let red = Session { vrf: Some("red".parse().unwrap()), neighbor: "10.0.0.2".parse().unwrap() };
    let before: BTreeSet<Session> = [session("10.0.0.1"), red].into();
    confirm.edited(start, vec![edit("BGPPeer m/tor", Some(30), kept())], &before, |_| true);
    let waiting = confirm.saved().next().unwrap().condition("2026-11-21T12:00:00Z".to_owned());
    assert_eq!((waiting.status.as_str(), waiting.reason.as_str()), ("Unknown", "Waiting"));
    let verdict = confirm.look(start + seconds(30), &sessions("10.0.0.1")).remove(0);
    let failed = verdict.condition(false, String::new());
    assert_eq!((failed.status.as_str(), failed.reason.as_str()), ("False", "SessionsLost"));
    assert_eq!(
        failed.message,
        "30 s after the edit 1 of 2 sessions are not Established: 10.0.0.2 in VRF red; its previous form is in \
         force until it changes"
    );
    let by_user = verdict.condition(true, String::new());
    assert_eq!((by_user.status.as_str(), by_user.reason.as_str()), ("False", "NotTakenBack"));
    assert!(by_user.message.ends_with("red; nothing is taken back, as it says what it said before the edit"));
    let json = serde_json::to_value(&failed).unwrap();
    assert_eq!((&json["type"], &json["object"]), (&CONDITION.into(), &"BGPPeer m/tor".into()));
}

/// What may happen: an edit of one of three objects with some sessions up, or a look at some.
#[derive(Debug, Clone)]
enum Step {
    Edit { object: usize, within: Option<u64>, up: u8 },
    Look { up: u8 },
}

fn some(bits: u8) -> BTreeSet<Session> {
    (0..4).filter(|bit| bits & (1 << bit) != 0).map(|bit| session(&format!("10.0.0.{bit}"))).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let edit = (0..3_usize, proptest::option::weighted(0.8, 1..20_u64), 0..16_u8)
        .prop_map(|(object, within, up)| Step::Edit { object, within, up });
    prop_oneof![edit, (0..16_u8).prop_map(|up| Step::Look { up })]
}

proptest! {
    /// Against a plain account: per object the time at which it is due and the sessions that it owes.
    #[test]
    fn every_watched_edit_ends_once_in_time_and_rightly(
        steps in proptest::collection::vec((0..10_u64, step()), 0..40)
    ) {
        let (mut confirm, mut now) = (Confirm::default(), Instant::now());
        let mut owed: [Option<(Instant, BTreeSet<Session>)>; 3] = [None, None, None];
        for (wait, step) in steps {
            now += seconds(wait);
            match step {
                Step::Edit { object, within, up } => {
                    confirm.edited(now, vec![edit(&object.to_string(), within, None)], &some(up), |_| true);
                    let before = owed[object].take().map(|(_, sessions)| sessions).unwrap_or_default();
                    owed[object] = within.map(|within| (now + seconds(within), &before | &some(up)));
                }
                Step::Look { up } => {
                    let verdicts = confirm.look(now, &some(up));
                    for (object, account) in owed.iter_mut().enumerate() {
                        let of = |verdict: &&Verdict| verdict.watch().object == object.to_string();
                        let found: Vec<&Verdict> = verdicts.iter().filter(of).collect();
                        let Some((_, sessions)) = account.take_if(|(due, _)| *due <= now) else {
                            prop_assert!(found.is_empty());
                            continue;
                        };
                        let missing = &sessions - &some(up);
                        match found[..] {
                            [Verdict::Confirmed(_)] => prop_assert!(missing.is_empty()),
                            [Verdict::Failed { lost, .. }] => prop_assert_eq!(lost, &missing),
                            _ => prop_assert!(false, "{:?}", found),
                        }
                    }
                }
            }
            let due = owed.iter().flatten().map(|(due, _)| *due).min();
            prop_assert_eq!(confirm.wake_at(), due);
        }
    }
}
