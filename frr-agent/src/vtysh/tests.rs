//! How `vtysh` is called. A script stands in its place and writes down what it was given; what real
//! `vtysh` answers is tested in `e2e`.

use super::*;
use herald_frr::config::{Origin, Origins};
use herald_frr::diff::Effect;
use std::fs;
use std::thread;
use tempfile::TempDir;

const PASSWORD_LINE: &str = " neighbor 192.0.2.1 password s3cr3t";

struct Bench {
    folder: TempDir,
    vtysh: Vtysh,
}

impl Bench {
    /// `script` runs as `vtysh`, in a folder of its own as `$HERE`.
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("vtysh");
        fs::write(&text, format!("HERE={}\n{script}\n", folder.path().display())).unwrap();
        let vtysh = Vtysh {
            // A shell reads it: a file that was just written cannot always be executed (ETXTBSY).
            program: "/bin/sh".into(),
            arguments: vec![text.into(), "--vty_socket".into(), "/run/here".into()],
            sockets: folder.path().to_owned(),
            deadline: Duration::from_secs(20),
            runs: Runs::default(),
            round: None,
        };
        Self { folder, vtysh }
    }

    fn wrote(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

fn plan() -> ChangePlan {
    let line = |text: &str, origin: &str| PlannedLine {
        text: text.to_owned(),
        origins: Origins::from([Origin(origin.into())]),
        effect: Effect::None,
        frame: false,
    };
    let lines = vec![
        line("router bgp 64500", "BGPPeer metallb-system/tor"),
        line(PASSWORD_LINE, "BGPPeer metallb-system/tor spec.passwordSecret"),
    ];
    ChangePlan { lines, ..ChangePlan::default() }
}

#[test]
fn lines_go_by_a_file_in_memory_that_has_no_name() {
    let bench = Bench::new(
        "echo \"$@\" >$HERE/arguments; eval file=\\${$#}; readlink $file >$HERE/file; cp $file $HERE/copy",
    );
    assert_eq!(bench.vtysh.apply(&plan()).unwrap(), []);
    assert_eq!(bench.wrote("file"), "/memfd:lines (deleted)\n");
    assert_eq!(bench.wrote("copy"), format!("router bgp 64500\n{PASSWORD_LINE}\n"));
    let arguments = bench.wrote("arguments");
    assert!(arguments.starts_with("--vty_socket /run/here -f "), "{arguments}");
    assert!(!arguments.contains("s3cr3t"), "{arguments}");
}

#[test]
fn a_change_of_prefixes_is_sent_to_bgpd_alone() {
    let bench = Bench::new("echo \"$@\" >$HERE/arguments");
    bench.vtysh.apply(&ChangePlan { networks: Some(Vec::new()), ..plan() }).unwrap();
    assert_eq!(bench.wrote("arguments"), "--vty_socket /run/here -d bgpd -f /proc/self/fd/0\n");
}

#[test]
fn a_refused_line_comes_back_with_the_object_that_it_came_from_and_without_its_password() {
    let bench = Bench::new(&format!("echo 'line 2: % Unknown command[4]: {PASSWORD_LINE}' >&2; exit 2"));
    let refused = bench.vtysh.apply(&plan()).unwrap();
    let [line] = &refused[..] else { panic!("{refused:?}") };
    let origins: Vec<String> = line.origins.iter().map(ToString::to_string).collect();
    assert_eq!(origins, ["BGPPeer metallb-system/tor spec.passwordSecret"]);
    assert!(!format!("{line:?}").contains("s3cr3t"), "{line:?}");
}

#[test]
fn a_vtysh_that_hangs_is_ended_with_its_children_at_the_deadline() {
    let mut bench = Bench::new("sleep 600 & echo $! >$HERE/child; wait");
    bench.vtysh.deadline = Duration::from_millis(300);
    let why = bench.vtysh.apply(&plan()).unwrap_err();
    assert!(matches!(why, VtyshError::Deadline { .. }), "{why}");
    child_is_gone(&bench);
}

/// What the script started has ended.
fn child_is_gone(bench: &Bench) {
    let child = bench.wrote("child");
    let state = || fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    let gone = || state().is_err() || state().is_ok_and(|text| text.contains(") Z "));
    let end = Instant::now() + Duration::from_secs(10);
    while !gone() && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
    assert!(gone(), "the child still runs");
}

#[test]
fn what_runs_when_frr_goes_away_is_ended_at_once_and_what_was_asked_for_before_is_not_begun() {
    let mut bench = Bench::new("sleep 600 & echo $! >$HERE/child.new; mv $HERE/child.new $HERE/child; wait");
    bench.vtysh.deadline = Duration::from_mins(10);
    bench.vtysh.round = Some(bench.vtysh.runs.round());
    let vtysh = bench.vtysh.clone();
    let hung = thread::spawn(move || vtysh.apply(&plan()));
    let end = Instant::now() + Duration::from_mins(1);
    while !bench.folder.path().join("child").exists() && Instant::now() < end {
        thread::sleep(Duration::from_millis(10));
    }
    bench.vtysh.runs.end();
    let why = hung.join().unwrap().unwrap_err();
    assert!(matches!(why, VtyshError::Signal(9)), "{why}");
    child_is_gone(&bench);
    let why = bench.vtysh.apply(&plan()).unwrap_err();
    assert!(matches!(why, VtyshError::Gone), "{why}");
}

#[test]
fn a_failure_without_a_refused_line_leaves_the_state_unknown() {
    let bench = Bench::new("echo 'vtysh: error reading from bgpd: No such file or directory'; exit 1");
    let why = bench.vtysh.apply(&plan()).unwrap_err();
    assert!(why.to_string().contains("error reading from bgpd"), "{why}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let mut bench = Bench::new("");
    bench.vtysh.program = "/nonexistent/vtysh".into();
    let why = bench.vtysh.running_config().unwrap_err();
    assert!(why.to_string().starts_with("cannot start /nonexistent/vtysh: "), "{why}");
}
