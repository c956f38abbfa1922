//! Changes of prefixes: believed at once, proved a moment later.

use super::*;
use herald_frr::show::{OwnPath, Route};
use herald_frr::value::Tag;

fn own(tag: Option<Tag>) -> Route {
    Route { own: Some(OwnPath { tag, best: true }), ..Route::default() }
}

/// FRR took the change from [`one`] to [`two`].
fn changed() -> Drive {
    let mut drive = Drive::settled(&one());
    let outputs = drive.want(&two());
    let networks: Vec<_> = applied_lines(&outputs).into_iter().filter(|l| l.contains("network")).collect();
    assert_eq!(networks, ["network 192.0.2.2/32"], "one more prefix is one more line");
    let outputs = drive.accepts();
    assert_eq!(outputs[0], taken(&two()));
    assert_eq!(outcomes(&outputs), [&Outcome::Taken]);
    drive
}

/// The run and the questions of the one check among the outputs.
fn asked(outputs: &[Output]) -> (Run, Vec<String>) {
    let [Output::Check(run, questions)] = outputs else { panic!("expected a check, got {outputs:?}") };
    (*run, questions.iter().map(|(_, prefix)| prefix.to_string()).collect())
}

#[test]
fn a_prefix_is_asked_for_after_its_change_and_then_kept() {
    let mut drive = changed();
    let (run, questions) = asked(&drive.due());
    assert_eq!(questions, ["192.0.2.2/32"]);
    assert_eq!(drive.give(Input::Checked(run, Ok(vec![Some(own(None))]))), [kept(&two(), false)]);
}

#[test]
fn the_next_change_does_not_wait_for_the_check_of_the_one_before() {
    let mut drive = changed();
    let (first, _) = asked(&drive.due());
    let lines = applied_lines(&drive.want(&one()));
    assert!(lines.contains(&"no network 192.0.2.2/32".to_owned()), "{lines:?}");
    // The answer is about a prefix that is being changed: it proves nothing of it.
    drive.give(Input::Checked(first, Ok(vec![None])));
    drive.accepts();
    let (second, questions) = asked(&drive.due());
    assert_eq!(questions, ["192.0.2.2/32"]);
    assert_eq!(drive.give(Input::Checked(second, Ok(vec![None]))), [kept(&one(), false)]);
}

#[test]
fn a_prefix_that_is_not_there_is_asked_for_once_more_then_frr_is_read_and_repaired() {
    let mut drive = changed();
    let (run, _) = asked(&drive.due());
    assert_eq!(drive.give(Input::Checked(run, Ok(vec![None]))), [], "bgpd may be busy");
    let (run, _) = asked(&drive.due());
    assert!(reads(&drive.give(Input::Checked(run, Ok(vec![None])))));
    let outputs = drive.runs(&one());
    let lines = vec!["network 192.0.2.2/32".to_owned()];
    assert_eq!(outputs[0], Output::Report(Report::NotKept(lines)));
    assert!(applied_lines(&outputs).contains(&"network 192.0.2.2/32".to_owned()), "{outputs:?}");
    drive.accepts();
    assert_eq!(outcomes(&drive.runs(&two())), [&Outcome::Taken]);
}

#[test]
fn a_prefix_that_frr_has_configured_but_not_in_its_table_is_reported() {
    let mut drive = changed();
    for _ in 0..2 {
        let (run, _) = asked(&drive.due());
        drive.give(Input::Checked(run, Ok(vec![None])));
    }
    let missing = Report::NotInTable(vec!["192.0.2.2/32".to_owned()]);
    assert!(drive.runs(&two()).contains(&Output::Report(missing)));
}

#[test]
fn another_tag_than_the_wanted_one_is_no_proof() {
    let mut drive = changed();
    let (run, _) = asked(&drive.due());
    assert_eq!(drive.give(Input::Checked(run, Ok(vec![Some(own(Tag::new(7)))]))), []);
    assert!(drive.machine.wake_at().is_some());
}

#[test]
fn a_check_without_an_answer_leads_to_reading() {
    let mut drive = changed();
    let (run, _) = asked(&drive.due());
    assert!(reads(&drive.give(Input::Checked(run, Err(failure("killed"))))));
}

#[test]
fn thousands_of_prefixes_are_proved_by_reading() {
    let mut drive = Drive::settled(&one());
    let networks = (0..2_000_u32).map(|n| format!("  network 198.18.{}.{}/32\n", n / 256, n % 256));
    let many =
        config(&ONE.replace(" exit-address", &format!("{} exit-address", networks.collect::<String>())));
    drive.want(&many);
    let outputs = drive.accepts();
    assert!(outputs.contains(&taken(&many)) && reads(&outputs), "{} outputs", outputs.len());
    assert_eq!(drive.runs(&many), [kept(&many, true)]);
}

#[test]
fn after_an_apply_changes_are_gathered_for_twice_as_long_as_it_took() {
    let mut drive = Drive::settled(&one());
    applied_lines(&drive.want(&two()));
    drive.now += Duration::from_millis(20);
    drive.accepts();
    assert_eq!(drive.want(&one()), []);
    assert_eq!(drive.machine.wake_at(), Some(drive.now + Duration::from_millis(40)));
    drive.now += Duration::from_millis(39);
    let other = config(&ONE.replace("192.0.2.1/32\n", "192.0.2.1/32\n  network 192.0.2.3/32\n"));
    assert_eq!(drive.want(&other), []);
    drive.now += Duration::from_millis(1);
    let lines = applied_lines(&drive.give(Input::Due));
    assert!(lines.contains(&"network 192.0.2.3/32".to_owned()), "{lines:?}");
    // One that took long is not followed by a long wait.
    drive.now += Duration::from_secs(5);
    drive.accepts();
    assert_eq!(drive.want(&one()), []);
    drive.now += REST_LIMIT;
    assert!(applied_lines(&drive.give(Input::Due)).contains(&"no network 192.0.2.3/32".to_owned()));
}
