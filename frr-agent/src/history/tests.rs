//! What is on the disk after changes, restarts and accidents.

use super::*;
use herald_core::history::{Causes, ObjectChange, Trigger, rebuild};
use herald_frr::diff::{Effect, PlannedLine};
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const LIMIT: u64 = 1 << 20;

fn config(networks: &[&str]) -> Arc<FrrConfig> {
    let networks =
        networks.iter().fold(String::new(), |text, network| text + &format!("  network {network}\n"));
    let text = format!(
        "router bgp 64500\n neighbor 192.0.2.1 remote-as 64501\n neighbor 192.0.2.1 password s3cret\n \
         address-family ipv4 unicast\n{networks} exit-address-family\nexit\n"
    );
    Arc::new(running::parse(&text).config)
}

fn attempt(config: &Arc<FrrConfig>) -> Attempt {
    let line = PlannedLine {
        text: "neighbor 192.0.2.1 password s3cret".to_owned(),
        origins: herald_frr::config::Origins::new(),
        effect: Effect::Reset,
        frame: false,
    };
    Attempt {
        time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045),
        duration: Duration::from_millis(31),
        outcome: Outcome::Applied,
        message: String::new(),
        cause: Cause { trigger: Trigger::Manifests, changes: Causes::default() },
        plan: Arc::new(ChangePlan { lines: vec![line], ..ChangePlan::default() }),
        config: config.clone(),
    }
}

fn failed(config: &Arc<FrrConfig>) -> Attempt {
    Attempt { outcome: Outcome::Failed, message: "vtysh hangs".to_owned(), ..attempt(config) }
}

fn recorded(folder: &Path, limit: u64, attempts: Vec<Attempt>) -> Vec<Record> {
    let history = History::open(folder, "node1", limit);
    for attempt in attempts {
        history.record(attempt);
    }
    drop(history);
    read(folder)
}

fn revisions(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.entry.revision).collect()
}

fn text(config: &FrrConfig) -> String {
    render(config, &RenderOptions { secrets: Secrets::Mask, annotate: false })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_configuration_comes_back_after_restarts_and_no_password_is_on_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("history");
    let configs =
        [config(&["10.0.0.1/32"]), config(&["10.0.0.1/32", "10.0.0.2/32"]), config(&["10.0.0.2/32"])];
    for config in &configs {
        recorded(&folder, LIMIT, vec![attempt(config)]);
    }
    let records = read(&folder);
    assert_eq!(revisions(&records), [1, 2, 3]);
    assert_eq!(records[2].entry.time, "2026-01-02T03:04:05Z");
    for (config, revision) in configs.iter().zip(1..) {
        assert_eq!(text(&rebuild(&records, revision).unwrap()), text(config));
    }
    let [file] = &files(&folder)[..] else { panic!("one log") };
    let written = fs::read_to_string(file).unwrap();
    assert!(!written.contains("s3cret") && written.contains("password <masked>"), "{written}");
    assert_eq!(written.matches("remote-as").count(), 1, "a change of one prefix says nothing else");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn at_least_the_last_twenty_stay_and_not_many_more() {
    let folder = tempfile::tempdir().unwrap();
    let attempts = (0..90).map(|n: u32| attempt(&config(&[&format!("10.0.0.{n}/32")]))).collect();
    let records = recorded(folder.path(), LIMIT, attempts);
    let revisions = revisions(&records);
    assert!((20..=40).contains(&revisions.len()) && revisions.last() == Some(&90), "{revisions:?}");
    assert!(text(&rebuild(&records, 71).unwrap()).contains("network 10.0.0.70/32"));
}

#[test]
fn the_folder_stays_within_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let attempts = (0..60).map(|n: u32| attempt(&config(&[&format!("10.0.0.{n}/32")]))).collect();
    let records = recorded(folder.path(), 8 << 10, attempts);
    let bytes: u64 = files(folder.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(bytes <= 8 << 10, "{bytes} bytes");
    assert_eq!(records.last().map(|record| record.entry.revision), Some(60));
    assert!(rebuild(&records, 60).is_ok());
}

#[test]
fn a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (config(&["10.0.0.1/32"]), config(&["10.0.0.2/32"]));
    recorded(folder.path(), LIMIT, vec![attempt(&one), attempt(&two)]);
    let [file] = &files(folder.path())[..] else { panic!("one log") };
    let whole = fs::read_to_string(file).unwrap();
    fs::write(file, &whole[..whole.len() - 20]).unwrap();
    assert_eq!(revisions(&read(folder.path())), [1], "a reader beside the writer");
    let records = recorded(folder.path(), LIMIT, vec![attempt(&two)]);
    assert_eq!(revisions(&records), [1, 2]);
    assert_eq!(text(&rebuild(&records, 2).unwrap()), text(&two));
}

#[test]
fn what_is_no_history_of_this_node_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("000000000001.jsonl"), "#!/bin/sh\n").unwrap();
    fs::write(folder.path().join("000000000002.jsonl"), [0xff, 0xfe]).unwrap();
    fs::write(folder.path().join("000000000003.jsonl"), history::head_line("other")).unwrap();
    let records = recorded(folder.path(), LIMIT, vec![attempt(&config(&[]))]);
    assert_eq!(revisions(&records), [1]);
    let aside =
        files(folder.path()).iter().filter(|path| path.extension().is_some_and(|e| e == "set-aside")).count();
    assert_eq!(aside, 3);
}

#[test]
fn a_failure_that_comes_again_and_again_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (config(&["10.0.0.1/32"]), config(&["10.0.0.2/32"]));
    let object = ObjectChange {
        kind: "BGPPeer".to_owned(),
        namespace: "ns".to_owned(),
        name: "tor".to_owned(),
        generation: 0,
        before: None,
        after: None,
        secret: false,
        omitted: false,
    };
    let changes = Causes { objects: vec![object], ..Causes::default() };
    let new = Attempt { cause: Cause { trigger: Trigger::Manifests, changes }, ..failed(&two) };
    let attempts =
        vec![failed(&one), failed(&one), failed(&one), new, failed(&two), attempt(&two), failed(&two)];
    let records = recorded(folder.path(), LIMIT, attempts);
    let outcomes: Vec<Outcome> = records.iter().map(|record| record.entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Failed, Outcome::Applied, Outcome::Failed]);
}

#[test]
fn a_folder_that_cannot_be_written_stops_nobody() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(recorded(&file.join("history"), LIMIT, vec![attempt(&config(&[]))]), []);
}
