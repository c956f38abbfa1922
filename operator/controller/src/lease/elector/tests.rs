use super::*;

const TIMINGS: Timings = Timings {
    lease: Duration::from_secs(3),
    renew: Duration::from_millis(500),
    write: Duration::from_secs(1),
};

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// The Lease that an API server stores.
#[derive(Default)]
struct Stored {
    lease: Option<Record>,
    versions: u32,
}

impl Stored {
    fn store(&mut self, wanted: &Wanted) -> Result<Record, NotStored> {
        if self.lease.as_ref().map(|lease| lease.version.clone()) != wanted.version {
            return Err(NotStored::Changed);
        }
        self.versions += 1;
        let record = Record {
            version: self.versions.to_string(),
            holder: wanted.holder.clone(),
            duration: wanted.duration,
            answered: wanted.answered,
            transitions: wanted.transitions,
            acquired: Some("then".to_owned()),
        };
        self.lease = Some(record.clone());
        Ok(record)
    }
}

/// Lets one do what is due at a time; whether it leads then.
fn tick(one: &mut Elector, stored: &mut Stored, now: Time) -> bool {
    for _ in 0..4 {
        match one.step(now) {
            Step::Look => one.saw(now, stored.lease.clone()),
            Step::Store(wanted) => {
                let result = stored.store(&wanted);
                one.stored(now, now, result);
            }
            Step::Wait(_) => break,
        }
    }
    matches!(one.standing(now), Standing::Leads { .. })
}

fn elector(name: &str) -> Elector {
    Elector::new(name.to_owned(), TIMINGS)
}

fn leads(one: &Elector, now: Time) -> Option<LateWrites> {
    match one.standing(now) {
        Standing::Leads { late, .. } => Some(late),
        Standing::Follows => None,
    }
}

/// Runs all every 50 ms; when each led, first and last.
fn run(all: &mut [&mut Elector], stored: &mut Stored, from: u64, to: u64) -> Vec<Option<(u64, u64)>> {
    let mut led = vec![None; all.len()];
    for now in (from..to).step_by(50) {
        let mut leaders = 0;
        for (one, led) in all.iter_mut().zip(&mut led) {
            if tick(one, stored, at(now)) {
                leaders += 1;
                let first = led.map_or(now, |(first, _)| first);
                *led = Some((first, now));
            }
        }
        assert!(leaders <= 1, "two lead at {now}");
    }
    led
}

#[test]
fn a_lease_that_is_not_there_may_have_been_deleted() {
    let mut stored = Stored::default();
    let led = run(&mut [&mut elector("a"), &mut elector("b")], &mut stored, 0, 10_000);
    assert_eq!(led, [Some((4000, 9950)), None]);
}

#[test]
fn who_let_go_is_followed_at_once() {
    for (answered, late) in [(true, LateWrites::Impossible), (false, LateWrites::Possible)] {
        let mut stored = Stored::default();
        let (mut a, mut b) = (elector("a"), elector("b"));
        run(&mut [&mut a, &mut b], &mut stored, 0, 6000);
        let let_go = a.let_go(answered).map(|wanted| stored.store(&wanted));
        assert!(matches!(let_go, Some(Ok(_))));
        assert!(b.let_go(true).is_none());
        let led = run(&mut [&mut b], &mut stored, 6000, 7000);
        assert!(led[0].is_some_and(|(first, _)| first <= 6250), "{led:?}");
        assert_eq!(leads(&b, at(6500)), Some(late));
    }
}

#[test]
fn a_leader_that_is_gone_is_followed_once_its_lease_and_its_writes_are_over() {
    let mut stored = Stored::default();
    let (mut a, mut b) = (elector("a"), elector("b"));
    run(&mut [&mut a, &mut b], &mut stored, 0, 6000);
    let Standing::Leads { until, .. } = a.standing(at(5999)) else { panic!("a does not lead") };
    let led = run(&mut [&mut b], &mut stored, 6000, 12_000);
    let (first, _) = led[0].unwrap_or_default();
    assert!(until + TIMINGS.write * 2 <= at(first), "{first}");
    assert!(first <= 6000 + 3000 + 1000 + 50, "{first}");
    assert_eq!(leads(&b, at(first)), Some(LateWrites::Possible));
    assert_eq!(stored.lease.map(|lease| lease.transitions), Some(1));
}

#[test]
fn a_leader_that_was_paused_does_not_lead_when_it_wakes_up() {
    let mut stored = Stored::default();
    let (mut a, mut b) = (elector("a"), elector("b"));
    run(&mut [&mut a, &mut b], &mut stored, 0, 6000);
    run(&mut [&mut b], &mut stored, 6000, 12_000);
    assert_eq!(leads(&a, at(12_000)), None);
    let led = run(&mut [&mut a, &mut b], &mut stored, 12_000, 20_000);
    assert!(led[0].is_none() && led[1].is_some());
}

#[test]
fn a_leader_without_answers_stops_in_time_and_leads_again_when_nobody_else_does() {
    let mut stored = Stored::default();
    let mut a = elector("a");
    run(&mut [&mut a], &mut stored, 0, 6000);
    let mut stopped = None;
    for now in (6000..9000).step_by(50) {
        if let Step::Store(wanted) = a.step(at(now)) {
            // Stored, but the answer does not come.
            drop(stored.store(&wanted));
            a.stored(at(now), at(now), Err(NotStored::Unknown));
        } else if a.step(at(now)) == Step::Look {
            a.saw_nothing(at(now));
        }
        if leads(&a, at(now)).is_none() {
            stopped.get_or_insert(now);
        }
    }
    assert!(stopped.is_some_and(|stopped| stopped <= 8000), "{stopped:?}");
    let led = run(&mut [&mut a], &mut stored, 9000, 10_000);
    assert!(led[0].is_some_and(|(first, _)| first <= 9250), "{led:?}");
    assert_eq!(leads(&a, at(9950)), Some(LateWrites::Possible));
}

#[test]
fn a_lease_deleted_or_emptied_by_hand_makes_no_second_leader() {
    for emptied in [false, true] {
        let mut stored = Stored::default();
        let (mut a, mut b) = (elector("a"), elector("b"));
        run(&mut [&mut a, &mut b], &mut stored, 0, 6000);
        if emptied {
            stored.versions += 1;
            let version = stored.versions.to_string();
            stored.lease = stored.lease.map(|lease| Record { holder: String::new(), version, ..lease });
        } else {
            stored.lease = None;
        }
        // b looks first.
        let led = run(&mut [&mut b, &mut a], &mut stored, 6000, 14_000);
        assert!(led.iter().flatten().any(|(_, last)| *last == 13_950), "{led:?}");
    }
}

#[test]
fn nothing_is_asked_again_at_once_after_a_failure() {
    let mut stored = Stored::default();
    let (mut a, mut b) = (elector("a"), elector("b"));
    run(&mut [&mut a, &mut b], &mut stored, 0, 6000);
    run(&mut [&mut b], &mut stored, 6000, 8500);
    let mut attempts = 0;
    let mut now = at(8500);
    // Long after the end of a's Lease, so that b would store at once.
    while now < at(20_000) {
        match b.step(now) {
            Step::Look => b.saw_nothing(now),
            Step::Store(_) => b.stored(now, now, Err(NotStored::Unknown)),
            Step::Wait(until) => {
                now = until;
                continue;
            }
        }
        attempts += 1;
    }
    assert!(attempts <= 11_500 / 125, "{attempts}");
}
