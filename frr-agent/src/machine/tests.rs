//! The machine against an FRR that answers as told. What real FRR answers is tested in `e2e`.

mod kept;
mod prefixes;
mod random;
mod raw;

use super::*;
use herald_frr::config::Origins;
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;
use herald_frr::vtysh::Refused;

const EMPTY: &str = "";
const ONE: &str = "router bgp 64500\n no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n \
    bgp graceful-restart preserve-fw-state\n coalesce-time 200\n no bgp network import-check\n !\n \
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

/// A change that is more than one of prefixes.
fn named() -> Arc<FrrConfig> {
    config(&ONE.replace("64500\n", "64500\n bgp router-id 192.0.2.7\n"))
}

/// What `show running-config` prints when FRR runs `config`.
fn text_of(config: &FrrConfig) -> String {
    let text = render(config, &RenderOptions { secrets: Secrets::Show, annotate: false });
    text.replace(" no bgp ebgp-requires-policy\n", " no bgp ebgp-requires-policy\n coalesce-time 200\n")
}

fn failure(why: &str) -> Failure {
    Failure { why: why.to_owned(), hung: Vec::new(), untouched: false }
}

fn refused_lines() -> Vec<RefusedLine> {
    let line = Refused { line_number: 1, text: "network x".to_owned(), reason: "% no".to_owned() };
    vec![RefusedLine { refused: line, origins: Origins::new() }]
}

struct Drive {
    machine: Machine,
    now: Instant,
}

impl Drive {
    fn new(last_good: Option<&FrrConfig>, drift: Drift) -> Self {
        let start = Start {
            scope: Scope::Host,
            base: BTreeSet::new(),
            drift,
            last_good: last_good.cloned().map(Arc::new),
            given: Vec::new(),
            last_run: 0,
        };
        Self { machine: Machine::new(start), now: Instant::now() }
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        self.machine.step(self.now, input)
    }

    fn want(&mut self, config: &Arc<FrrConfig>) -> Vec<Output> {
        self.give(Input::Wanted(config.clone()))
    }

    fn runs(&mut self, config: &FrrConfig) -> Vec<Output> {
        self.runs_text(&text_of(config))
    }

    fn runs_text(&mut self, text: &str) -> Vec<Output> {
        let run = self.machine.last_run;
        self.give(Input::Running(run, Ok(Box::new(running::parse(text)))))
    }

    fn accepts(&mut self) -> Vec<Output> {
        let run = self.machine.last_run;
        self.give(Input::Applied(run, Ok(Vec::new())))
    }

    fn refuses(&mut self) -> Vec<Output> {
        let run = self.machine.last_run;
        self.give(Input::Applied(run, Ok(refused_lines())))
    }

    fn fails(&mut self, why: Failure) -> Vec<Output> {
        let run = self.machine.last_run;
        self.give(Input::Applied(run, Err(why)))
    }

    /// Lets the time pass that the machine waits for.
    fn due(&mut self) -> Vec<Output> {
        self.now = self.now.max(self.machine.wake_at().unwrap());
        self.give(Input::Due)
    }

    /// Wanted and up, so that the running configuration was asked for.
    fn started(wanted: &Arc<FrrConfig>) -> Self {
        let mut drive = Self::new(None, Drift::Repair);
        assert_eq!(drive.want(wanted), [], "nothing is read while FRR is down");
        assert_eq!(drive.give(Input::FrrUp), [Output::Read(1)]);
        drive
    }

    /// FRR runs `wanted`, that was read back, and FRR is past the time in which a refusal blames nobody.
    fn settled(wanted: &Arc<FrrConfig>) -> Self {
        let mut drive = Self::started(wanted);
        assert_eq!(drive.runs(wanted), [taken(wanted), kept(wanted, true), Output::Report(Report::InSync)]);
        drive.now += STARTING;
        drive
    }
}

fn taken(config: &Arc<FrrConfig>) -> Output {
    Output::Taken(config.clone())
}

fn kept(config: &Arc<FrrConfig>, whole: bool) -> Output {
    Output::Keep(Kept { config: config.clone(), whole, settled: None })
}

/// The lines of the one apply among the outputs.
fn applied_lines(outputs: &[Output]) -> Vec<String> {
    let plans: Vec<_> = outputs
        .iter()
        .filter_map(|o| if let Output::Apply(_, plan) = o { Some(plan) } else { None })
        .collect();
    let [plan] = plans[..] else { panic!("expected one apply, got {outputs:?}") };
    plan.lines.iter().map(|line| line.text.trim().to_owned()).collect()
}

fn reads(outputs: &[Output]) -> bool {
    matches!(outputs.last(), Some(Output::Read(_)))
}

fn outcomes(outputs: &[Output]) -> Vec<&Outcome> {
    let outcome = |output: &'_ Output| matches!(output, Output::Attempted(_));
    outputs
        .iter()
        .filter(|output| outcome(output))
        .filter_map(
            |output| if let Output::Attempted(attempt) = output { Some(&attempt.outcome) } else { None },
        )
        .collect()
}

#[test]
fn a_first_difference_is_recorded_applied_read_back_and_kept() {
    let mut drive = Drive::started(&one());
    let outputs = drive.runs_text(EMPTY);
    assert!(matches!(outputs[0], Output::Intend(2, _)), "{outputs:?}");
    assert!(applied_lines(&outputs).contains(&"network 192.0.2.1/32".to_owned()), "{outputs:?}");
    assert_eq!(drive.accepts(), [Output::Read(3)]);
    let outputs = drive.runs(&one());
    let kept = Output::Keep(Kept { config: one(), whole: true, settled: Some(3) });
    assert_eq!(outputs[..2], [taken(&one()), kept]);
    assert_eq!(outcomes(&outputs), [&Outcome::Taken]);
}

#[test]
fn a_restarted_agent_sends_nothing_to_an_frr_that_is_right() {
    let mut drive = Drive::new(Some(&one()), Drift::Repair);
    drive.give(Input::FrrUp);
    assert_eq!(drive.want(&one()), [Output::Read(1)]);
    assert_eq!(drive.runs(&one()).last(), Some(&Output::Report(Report::InSync)));
}

#[test]
fn a_change_that_is_more_than_prefixes_is_sent_without_reading_and_then_read_back() {
    let mut drive = Drive::settled(&one());
    let lines = applied_lines(&drive.want(&named()));
    assert!(lines.contains(&"bgp router-id 192.0.2.7".to_owned()), "{lines:?}");
    assert!(reads(&drive.accepts()));
    assert_eq!(outcomes(&drive.runs(&named())), [&Outcome::Taken]);
}

#[test]
fn changes_during_an_apply_are_gathered_into_the_next() {
    let mut drive = Drive::settled(&one());
    drive.want(&named());
    for config in [two(), one(), two()] {
        assert_eq!(drive.want(&config), []);
    }
    drive.accepts();
    let outputs = drive.runs(&named());
    let lines = applied_lines(&outputs);
    assert!(lines.contains(&"network 192.0.2.2/32".to_owned()), "one apply for all three: {outputs:?}");
}

#[test]
fn a_refused_line_leads_back_to_the_last_good_configuration_once() {
    let mut drive = Drive::settled(&one());
    drive.want(&two());
    let outputs = drive.refuses();
    assert_eq!(outcomes(&outputs), [&Outcome::Refused(refused_lines())]);
    assert!(reads(&outputs), "{outputs:?}");
    let lines = applied_lines(&drive.runs(&two()));
    assert!(lines.contains(&"no network 192.0.2.2/32".to_owned()), "{lines:?}");
    drive.accepts();
    let outputs = drive.runs(&one());
    let [Output::Attempted(attempt)] = &outputs[..] else { panic!("nothing is taken or kept: {outputs:?}") };
    assert!(attempt.back && attempt.outcome == Outcome::Taken, "{outputs:?}");
    // The same is not tried again ...
    assert_eq!(drive.want(&two()), []);
    // ... but another one is.
    let lines = applied_lines(&drive.want(&config(&ONE.replace("192.0.2.1", "192.0.2.3"))));
    assert!(lines.contains(&"network 192.0.2.3/32".to_owned()), "{lines:?}");
}

#[test]
fn a_refusal_that_changed_nothing_is_reported_as_restored_and_nothing_of_it_counts_as_taken() {
    let mut drive = Drive::settled(&one());
    drive.want(&two());
    drive.refuses();
    assert_eq!(drive.runs(&one()), [Output::Report(Report::Restored)]);
}

#[test]
fn a_way_back_that_is_refused_too_is_reported_and_left_for_the_next_check() {
    let mut drive = Drive::settled(&one());
    drive.want(&two());
    drive.refuses();
    drive.runs(&two());
    let outputs = drive.refuses();
    assert!(matches!(outputs[..], [Output::Attempted(_), Output::Report(Report::Unknown(_))]), "{outputs:?}");
    assert_eq!(drive.machine.wake_at(), Some(drive.now + CHECK_INTERVAL));
    assert!(reads(&drive.due()));
}

#[test]
fn a_first_configuration_that_is_refused_leaves_what_others_run() {
    let theirs = "frr version 10.3\nroute-map theirs permit 10\nexit\n\
        router bgp 64999 vrf theirs\n coalesce-time 900\n timers bgp 10 30\n neighbor 10.9.9.1 remote-as 64998\nexit\n";
    let mut drive = Drive::started(&one());
    drive.now += STARTING;
    drive.runs_text(theirs);
    assert!(reads(&drive.refuses()));
    let half = format!("{theirs}router bgp 64500\n no bgp network import-check\nexit\n");
    let lines = applied_lines(&drive.runs_text(&half));
    assert!(lines.contains(&"no router bgp 64500".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("theirs")), "{lines:?}");
    drive.accepts();
    let run = drive.machine.last_run;
    let outputs = drive.runs_text(theirs);
    assert!(outputs.contains(&Output::Forget(run)), "the record of the apply goes: {outputs:?}");
    let outputs = drive.want(&two());
    assert_eq!(outputs, [], "not before the time");
    assert!(reads(&drive.due()));
    let lines = applied_lines(&drive.runs_text(theirs));
    assert!(!lines.iter().any(|line| line.contains("theirs")), "{lines:?}");
}

#[test]
fn a_vtysh_that_fails_is_tried_again_ever_more_slowly_and_reported_once() {
    let mut drive = Drive::settled(&one());
    drive.want(&two());
    let outputs = drive.fails(failure("hangs"));
    assert_eq!(outputs.last(), Some(&Output::Report(Report::Failed(failure("hangs")))));
    let mut waits = Vec::new();
    for _ in 0..6 {
        waits.push((drive.machine.wake_at().unwrap() - drive.now).as_secs());
        assert!(reads(&drive.due()));
        let run = drive.machine.last_run;
        assert_eq!(drive.give(Input::Running(run, Err(failure("hangs")))), []);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 16]);
}

#[test]
fn lines_that_were_never_sent_are_sent_again() {
    let mut drive = Drive::settled(&one());
    drive.want(&two());
    drive.fails(Failure { untouched: true, ..failure("no memory") });
    assert!(reads(&drive.due()));
    let lines = applied_lines(&drive.runs(&one()));
    assert!(lines.contains(&"network 192.0.2.2/32".to_owned()), "{lines:?}");
}

#[test]
fn an_answer_from_before_frr_went_away_means_nothing() {
    let mut drive = Drive::settled(&one());
    drive.want(&named());
    let run = drive.machine.last_run;
    assert_eq!(drive.give(Input::FrrDown), [Output::Report(Report::FrrDown)]);
    assert!(reads(&drive.give(Input::FrrUp)));
    assert_eq!(drive.give(Input::Applied(run, Ok(Vec::new()))), []);
    assert!(applied_lines(&drive.runs_text(EMPTY)).contains(&"bgp router-id 192.0.2.7".to_owned()));
}

#[test]
fn drift_is_found_by_the_check_and_repaired() {
    let mut drive = Drive::settled(&two());
    assert!(reads(&drive.due()));
    let outputs = drive.runs(&one());
    let lines = vec!["network 192.0.2.2/32".to_owned()];
    assert_eq!(outputs[0], Output::Report(Report::Drift { lines, repaired: true }));
    assert!(applied_lines(&outputs).contains(&"network 192.0.2.2/32".to_owned()), "{outputs:?}");
}

#[test]
fn drift_is_only_reported_if_asked_so_and_what_the_manifests_change_is_still_sent() {
    let mut drive = Drive::new(Some(&two()), Drift::Report);
    drive.want(&two());
    drive.give(Input::FrrUp);
    drive.runs(&two());
    drive.due();
    let lines = vec!["network 192.0.2.2/32".to_owned()];
    assert_eq!(drive.runs(&one())[0], Output::Report(Report::Drift { lines, repaired: false }));
    drive.due();
    assert_eq!(drive.runs(&one()), [], "reported once");
    let wanted = config(&text_of(&two()).replace("64500\n", "64500\n bgp router-id 192.0.2.7\n"));
    let lines = applied_lines(&drive.want(&wanted));
    assert!(!lines.contains(&"network 192.0.2.2/32".to_owned()), "{lines:?}");
    drive.accepts();
    assert_eq!(outcomes(&drive.runs(&named())), [&Outcome::Taken], "the drift is still there, and known");
    drive.due();
    assert_eq!(drive.runs(&wanted)[0], Output::Report(Report::DriftGone));
}

#[test]
fn an_frr_that_comes_back_empty_gets_everything_at_once() {
    let mut drive = Drive::settled(&one());
    assert_eq!(drive.give(Input::FrrDown), [Output::Report(Report::FrrDown)]);
    assert_eq!(drive.want(&two()), [], "nothing is sent to an FRR that is down");
    assert!(reads(&drive.give(Input::FrrUp)));
    let lines = applied_lines(&drive.runs_text(EMPTY));
    assert!(lines.contains(&"network 192.0.2.2/32".to_owned()), "{lines:?}");
}

#[test]
fn a_line_refused_by_an_frr_that_just_started_is_tried_again_soon_and_blames_nobody() {
    let mut drive = Drive::started(&one());
    drive.runs_text(EMPTY);
    let outputs = drive.refuses();
    assert!(matches!(outputs[..], [Output::Report(Report::Failed(_))]), "{outputs:?}");
    assert_eq!(drive.machine.wake_at(), Some(drive.now + STARTING_RETRY));
    assert!(reads(&drive.due()));
    assert!(applied_lines(&drive.runs_text(EMPTY)).contains(&"network 192.0.2.1/32".to_owned()));
}

#[test]
fn what_was_given_before_a_kill_is_taken_away_although_no_manifest_names_it() {
    let stray = "route-map stray permit 1\nexit\n";
    let start = Start {
        scope: Scope::Host,
        base: BTreeSet::new(),
        drift: Drift::Repair,
        last_good: Some(one()),
        given: vec![FrrConfig::clone(&config(stray))],
        last_run: 4,
    };
    let mut drive = Drive { machine: Machine::new(start), now: Instant::now() };
    drive.want(&one());
    drive.give(Input::FrrUp);
    let lines = applied_lines(&drive.runs_text(&format!("{stray}{}", text_of(&one()))));
    assert_eq!(lines, ["no route-map stray"]);
    drive.accepts();
    let outputs = drive.runs(&one());
    assert!(matches!(&outputs[1], Output::Keep(Kept { settled: Some(7), .. })), "{outputs:?}");
}

#[test]
fn hand_written_lines_are_given_again_to_an_frr_that_was_started() {
    let raw = RawSnippet {
        text: herald_frr::value::RawConfig::new("ip nht resolve-via-defult"),
        origins: Origins::new(),
    };
    let wanted = Arc::new(FrrConfig { raw: vec![raw], ..FrrConfig::clone(&one()) });
    let mut drive = Drive::started(&wanted);
    assert!(applied_lines(&drive.runs(&one())).contains(&"ip nht resolve-via-defult".to_owned()));
    drive.accepts();
    assert_eq!(outcomes(&drive.runs(&one())), [&Outcome::Taken], "FRR may show it in other words");
    drive.give(Input::FrrDown);
    drive.give(Input::FrrUp);
    assert!(applied_lines(&drive.runs(&one())).contains(&"ip nht resolve-via-defult".to_owned()));
}
