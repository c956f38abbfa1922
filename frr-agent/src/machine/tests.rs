//! The machine against an FRR that answers as told. What real FRR answers is tested in `e2e`.

use super::*;
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;

const EMPTY: &str = "";
const ONE: &str = "router bgp 64500\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
    bgp graceful-restart preserve-fw-state\n no bgp network import-check\n !\n \
    address-family ipv4 unicast\n  network 192.0.2.1/32\n exit-address-family\nexit\n";

fn config(text: &str) -> Arc<FrrConfig> {
    Arc::new(running::parse(text).config)
}

fn one() -> Arc<FrrConfig> {
    config(ONE)
}

fn two() -> Arc<FrrConfig> {
    config(&ONE.replace("192.0.2.1/32\n", "192.0.2.1/32\n  network 192.0.2.2/32\n"))
}

/// What `show running-config` prints when FRR runs `config`.
fn runs(config: &FrrConfig) -> Input {
    let text = render(config, &RenderOptions { secrets: Secrets::Show, annotate: false });
    Input::Running(Ok(running::parse(&text)))
}

fn runs_nothing() -> Input {
    Input::Running(Ok(running::parse(EMPTY)))
}

fn refused() -> Input {
    let line = Refused { line_number: 1, text: "network x".to_owned(), reason: "% no".to_owned() };
    Input::Applied(Ok(vec![RefusedLine { refused: line, origins: Origins::new() }]))
}

fn accepted() -> Input {
    Input::Applied(Ok(Vec::new()))
}

struct Drive {
    machine: Machine,
    now: Instant,
}

impl Drive {
    fn new(last_good: Option<&FrrConfig>) -> Self {
        Self { machine: Machine::new(Scope::Host, last_good.cloned()), now: Instant::now() }
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        self.machine.step(self.now, input)
    }

    /// Wanted and up, so that the running configuration was asked for.
    fn started(wanted: Arc<FrrConfig>) -> Self {
        let mut drive = Self::new(None);
        assert_eq!(drive.give(Input::Wanted(wanted)), [], "nothing is read while FRR is down");
        assert_eq!(drive.give(Input::FrrUp), [Output::Read]);
        drive
    }

    /// FRR runs `wanted` and that was read back.
    fn settled(wanted: &Arc<FrrConfig>) -> Self {
        let mut drive = Self::started(wanted.clone());
        assert_eq!(drive.give(runs(wanted)), [Output::Keep(wanted.clone()), Output::Report(Report::InSync)]);
        drive
    }
}

/// Past the time in which a refusal blames nobody.
fn long_up(mut drive: Drive) -> Drive {
    drive.now += STARTING;
    drive
}

fn applied_lines(outputs: &[Output]) -> Vec<String> {
    match outputs {
        [Output::Apply(plan)] => plan.lines.iter().map(|line| line.text.trim().to_owned()).collect(),
        other => panic!("expected one apply, got {other:?}"),
    }
}

#[test]
fn a_difference_is_applied_read_back_and_kept() {
    let mut drive = Drive::started(one());
    let lines = applied_lines(&drive.give(runs_nothing()));
    assert!(lines.contains(&"network 192.0.2.1/32".to_owned()), "{lines:?}");
    assert_eq!(drive.give(accepted()), [Output::Read]);
    let outputs = drive.give(runs(&one()));
    let [Output::Keep(kept), Output::Report(Report::Applied { lines: sent, .. })] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((kept, *sent), (&one(), lines.len()));
}

#[test]
fn a_restarted_agent_sends_nothing_to_an_frr_that_is_right() {
    let mut drive = Drive::new(Some(&one()));
    drive.give(Input::FrrUp);
    assert_eq!(drive.give(Input::Wanted(one())), [Output::Read]);
    assert_eq!(drive.give(runs(&one())), [Output::Report(Report::InSync)]);
}

#[test]
fn one_more_prefix_is_one_more_line() {
    let mut drive = Drive::settled(&one());
    assert_eq!(drive.give(Input::Wanted(two())), [Output::Read]);
    let lines = applied_lines(&drive.give(runs(&one())));
    let networks: Vec<_> = lines.iter().filter(|line| line.contains("network")).collect();
    assert_eq!(networks, ["network 192.0.2.2/32"]);
}

#[test]
fn changes_during_an_apply_are_gathered_into_the_next() {
    let mut drive = Drive::started(one());
    drive.give(runs_nothing());
    assert_eq!(drive.give(Input::Wanted(two())), []);
    assert_eq!(drive.give(Input::Wanted(one())), []);
    assert_eq!(drive.give(Input::Wanted(two())), []);
    assert_eq!(drive.give(accepted()), [Output::Read]);
    let outputs = drive.give(runs(&one()));
    assert_eq!(outputs.last(), Some(&Output::Read), "one comparison for all three: {outputs:?}");
}

#[test]
fn a_refused_line_leads_back_to_the_last_good_configuration_once() {
    let mut drive = long_up(Drive::settled(&one()));
    drive.give(Input::Wanted(two()));
    drive.give(runs(&one()));
    let outputs = drive.give(refused());
    assert!(matches!(outputs[..], [Output::Report(Report::Refused(_)), Output::Read]), "{outputs:?}");
    let lines = applied_lines(&drive.give(runs(&two())));
    assert!(lines.contains(&"no network 192.0.2.2/32".to_owned()), "{lines:?}");
    drive.give(accepted());
    assert_eq!(drive.give(runs(&one())), [Output::Report(Report::Restored)]);
    // The same is not tried again ...
    assert_eq!(drive.give(Input::Wanted(two())), [Output::Read]);
    assert_eq!(drive.give(runs(&one())), [Output::Report(Report::InSync)]);
    // ... but another one is.
    let three = config(&ONE.replace("192.0.2.1", "192.0.2.3"));
    drive.give(Input::Wanted(three));
    let lines = applied_lines(&drive.give(runs(&one())));
    assert!(lines.contains(&"network 192.0.2.3/32".to_owned()), "{lines:?}");
}

#[test]
fn a_way_back_that_is_refused_too_is_reported_and_left_for_the_next_check() {
    let mut drive = long_up(Drive::settled(&one()));
    drive.give(Input::Wanted(two()));
    drive.give(runs(&one()));
    drive.give(refused());
    drive.give(runs(&two()));
    let outputs = drive.give(refused());
    assert!(
        matches!(outputs[..], [Output::Report(Report::Refused(_)), Output::Report(Report::Unknown(_))]),
        "{outputs:?}"
    );
    assert_eq!(drive.machine.wake_at(), Some(drive.now + CHECK_INTERVAL));
}

#[test]
fn what_frr_took_but_does_not_run_is_reported_and_taken_back() {
    let mut drive = Drive::settled(&one());
    drive.give(Input::Wanted(two()));
    drive.give(runs(&one()));
    drive.give(accepted());
    let outputs = drive.give(runs(&one()));
    let [Output::Report(Report::NotKept(lines)), Output::Read] = &outputs[..] else { panic!("{outputs:?}") };
    assert!(lines.iter().any(|line| line == "network 192.0.2.2/32"), "{lines:?}");
}

#[test]
fn a_vtysh_that_fails_is_tried_again() {
    let mut drive = Drive::started(one());
    let outputs = drive.give(Input::Running(Err("hangs".to_owned())));
    assert_eq!(outputs, [Output::Report(Report::Failed("hangs".to_owned()))]);
    let due = drive.machine.wake_at().unwrap();
    assert_eq!(due, drive.now + RETRY_INTERVAL);
    drive.now = due;
    assert_eq!(drive.give(Input::Due), [Output::Read]);
}

#[test]
fn drift_is_found_by_the_check_and_repaired() {
    let mut drive = Drive::settled(&two());
    drive.now = drive.machine.wake_at().unwrap();
    assert_eq!(drive.give(Input::Due), [Output::Read]);
    let lines = applied_lines(&drive.give(runs(&one())));
    assert!(lines.contains(&"network 192.0.2.2/32".to_owned()), "{lines:?}");
}

#[test]
fn an_frr_that_comes_back_empty_gets_everything_at_once() {
    let mut drive = Drive::settled(&one());
    assert_eq!(drive.give(Input::FrrDown), [Output::Report(Report::FrrDown)]);
    assert_eq!(drive.give(Input::Wanted(two())), [], "nothing is sent to an FRR that is down");
    assert_eq!(drive.give(Input::FrrUp), [Output::Read]);
    let lines = applied_lines(&drive.give(runs_nothing()));
    assert!(lines.contains(&"network 192.0.2.2/32".to_owned()), "{lines:?}");
}

#[test]
fn a_daemon_that_dies_during_an_apply_does_not_count_as_one_that_refused_it() {
    let mut drive = Drive::settled(&one());
    drive.give(Input::Wanted(two()));
    drive.give(runs(&one()));
    drive.give(accepted());
    drive.give(runs_nothing());
    drive.give(Input::FrrDown);
    assert_eq!(drive.give(Input::FrrUp), [Output::Read]);
    let lines = applied_lines(&drive.give(runs_nothing()));
    assert!(lines.contains(&"network 192.0.2.2/32".to_owned()), "{lines:?}");
}

#[test]
fn a_line_refused_by_an_frr_that_just_started_is_tried_again_and_blames_nobody() {
    let mut drive = Drive::started(one());
    drive.give(runs_nothing());
    let outputs = drive.give(refused());
    assert!(matches!(outputs[..], [Output::Report(Report::Failed(_))]), "{outputs:?}");
    drive.now = drive.machine.wake_at().unwrap();
    assert_eq!(drive.give(Input::Due), [Output::Read]);
    let lines = applied_lines(&drive.give(runs_nothing()));
    assert!(lines.contains(&"network 192.0.2.1/32".to_owned()), "{lines:?}");
}
