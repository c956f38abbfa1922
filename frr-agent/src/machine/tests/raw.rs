//! Hand-written lines: what FRR was seen to keep word for word must stay, of the rest nothing is certain.

use super::*;
use herald_frr::config::Origin;
use herald_frr::value::RawConfig;

const RELAX: &str = "bgp bestpath as-path multipath-relax";
/// FRR does not show it: it is the default.
const DEFAULT: &str = "no bgp log-neighbor-changes";

/// [`ONE`], and lines that the model cannot say.
fn with_raw() -> Arc<FrrConfig> {
    let text = format!(
        "router bgp 64500\n {RELAX}\n {DEFAULT}\nexit\nbgp community-list standard mine seq 5 permit 64500:1\n"
    );
    let origins = Origins::from([Origin("FRRConfiguration frr/extra spec.raw.rawConfig".into())]);
    let raw = vec![RawSnippet { text: RawConfig::new(&text), origins }];
    Arc::new(FrrConfig { raw, ..running::parse(ONE).config })
}

/// What FRR shows of it, but for `without`.
fn shown(without: &[&str]) -> String {
    let text = text_of(&one()).replace(" coalesce-time", &format!(" {RELAX}\n coalesce-time"));
    let text = text + "bgp community-list standard mine seq 5 permit 64500:1\n";
    let lines: Vec<&str> = text.lines().filter(|line| !without.contains(&line.trim())).collect();
    lines.join("\n")
}

/// FRR runs it, and that was read back.
fn settled(drift: Drift) -> Drive {
    let mut drive = Drive::new(None, drift);
    drive.want(&with_raw());
    drive.give(Input::FrrUp);
    assert!(applied_lines(&drive.runs(&one())).contains(&RELAX.to_owned()));
    drive.accepts();
    assert_eq!(outcomes(&drive.runs_text(&shown(&[]))), [&Outcome::Taken]);
    drive.now += STARTING;
    drive
}

#[test]
fn a_hand_written_line_that_somebody_took_away_is_given_back_alone() {
    let mut drive = settled(Drift::Repair);
    assert!(reads(&drive.due()));
    let outputs = drive.runs_text(&shown(&[RELAX]));
    let drift = Report::Drift { lines: vec![RELAX.to_owned()], repaired: true };
    assert_eq!(outputs[0], Output::Report(drift));
    assert_eq!(applied_lines(&outputs), ["router bgp 64500", RELAX, "exit"]);
    drive.accepts();
    assert_eq!(outcomes(&drive.runs_text(&shown(&[]))), [&Outcome::Taken]);
}

#[test]
fn a_hand_written_line_that_frr_never_showed_is_not_given_again() {
    let mut drive = settled(Drift::Repair);
    drive.due();
    assert_eq!(drive.runs_text(&shown(&[])), [], "FRR keeps {DEFAULT:?} without a word");
}

#[test]
fn a_hand_written_line_that_frr_does_not_take_again_is_tried_once() {
    let mut drive = settled(Drift::Repair);
    drive.due();
    drive.runs_text(&shown(&[RELAX]));
    drive.accepts();
    assert_eq!(outcomes(&drive.runs_text(&shown(&[RELAX]))), [&Outcome::Taken]);
    drive.due();
    assert_eq!(drive.runs_text(&shown(&[RELAX])), []);
}

#[test]
fn with_report_a_missing_hand_written_line_is_told_once_and_left_also_after_other_changes() {
    let mut drive = settled(Drift::Report);
    drive.due();
    let outputs = drive.runs_text(&shown(&[RELAX]));
    let drift = Report::Drift { lines: vec![RELAX.to_owned()], repaired: false };
    assert_eq!(outputs, [Output::Report(drift)]);
    let more = FrrConfig { raw: with_raw().raw.clone(), ..FrrConfig::clone(&named()) };
    let lines = applied_lines(&drive.want(&Arc::new(more)));
    assert!(!lines.contains(&RELAX.to_owned()), "{lines:?}");
    drive.accepts();
    let named = |without: &[&str]| {
        shown(without).replace("router bgp 64500\n", "router bgp 64500\n bgp router-id 192.0.2.7\n")
    };
    assert_eq!(outcomes(&drive.runs_text(&named(&[RELAX]))), [&Outcome::Taken]);
    drive.due();
    assert_eq!(drive.runs_text(&named(&[RELAX])), [], "told once");
    drive.due();
    assert_eq!(drive.runs_text(&named(&[])), [Output::Report(Report::DriftGone)]);
}

#[test]
fn after_a_restart_of_frr_it_is_all_given_again() {
    let mut drive = settled(Drift::Repair);
    drive.give(Input::FrrDown);
    drive.give(Input::FrrUp);
    let lines = applied_lines(&drive.runs_text(EMPTY));
    assert!(lines.contains(&RELAX.to_owned()) && lines.contains(&DEFAULT.to_owned()), "{lines:?}");
}
