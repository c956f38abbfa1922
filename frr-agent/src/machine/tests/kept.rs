//! FRR takes every line of a change and runs something else.

use super::*;

fn not_kept(outputs: &[Output]) {
    let [Outcome::NotKept(lines)] = outcomes(outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!(lines[..], ["bgp router-id 192.0.2.7"]);
}

#[test]
fn what_frr_lost_is_sent_again_and_then_taken() {
    let mut drive = Drive::settled(&one());
    drive.want(&named());
    drive.accepts();
    not_kept(&drive.runs(&one()));
    assert!(reads(&drive.due()));
    assert_eq!(applied_lines(&drive.runs(&one())), ["router bgp 64500", "bgp router-id 192.0.2.7", "exit"]);
    drive.accepts();
    assert!(drive.runs(&named()).contains(&taken(&named())));
}

#[test]
fn what_frr_shows_late_is_not_sent_again() {
    let mut drive = Drive::settled(&one());
    drive.want(&named());
    drive.accepts();
    not_kept(&drive.runs(&one()));
    assert!(reads(&drive.due()));
    let outputs = drive.runs(&named());
    assert!(outputs.contains(&taken(&named())), "{outputs:?}");
    assert!(outputs.contains(&Output::Report(Report::InSync)), "{outputs:?}");
}

#[test]
fn what_frr_took_three_times_and_does_not_run_is_taken_back() {
    let mut drive = Drive::settled(&one());
    drive.want(&named());
    drive.accepts();
    for pause in NOT_KEPT_RETRIES {
        let outputs = drive.runs(&one());
        not_kept(&outputs);
        assert_eq!(drive.machine.wake_at(), Some(drive.now + pause));
        assert!(reads(&drive.due()));
        drive.runs(&one());
        drive.accepts();
    }
    let outputs = drive.runs(&one());
    not_kept(&outputs);
    assert!(reads(&outputs), "{outputs:?}");
    // It runs what it ran: nothing is sent, and what is wanted is not tried again.
    assert!(drive.runs(&one()).contains(&Output::Report(Report::Restored)));
    assert!(drive.machine.wake_at() >= Some(drive.now + CHECK_INTERVAL));
}
