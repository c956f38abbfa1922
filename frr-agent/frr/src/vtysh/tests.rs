//! Outputs as FRR 10.3 printed them.

use super::*;
use crate::config::{Origin, Origins};
use crate::diff::Effect;

const SENT: &str = "\
[30199|mgmtd] sending configuration
[30206|bgpd] sending configuration
Waiting for children to finish applying config...
";

#[test]
fn a_clean_run_names_the_daemons_that_it_reached() {
    let stdout = format!("{SENT}The route-map 'x-out' does not exist.\n");
    let answer = read(&stdout, "[30199|mgmtd] done\n[30206|bgpd] done\n");
    assert!(answer.is_clean());
    assert_eq!(answer.daemons.iter().map(String::as_str).collect::<Vec<_>>(), ["bgpd", "mgmtd"]);
    assert_eq!(answer.notices, ["The route-map 'x-out' does not exist."]);
}

#[test]
fn refused_lines_are_reported_once_each_with_their_reason() {
    let stdout = format!(
        "{SENT}Graceful restart configuration changed, reset this peer to take effect\n% Invalid value\n"
    );
    let stderr = "\
line 3: % Unknown command[28]:  neighbor 10.0.0.5 tymers 1 2
[30200|zebra] Configuration file[/etc/frr/frr.conf] processing failure: 2
line 3: % Unknown command[28]:  neighbor 10.0.0.5 tymers 1 2
line 4: Failure to communicate[13] to bgpd, line:  neighbor 10.0.0.5 timers 1 1

line 8: % Command incomplete[7]:  no set ipv6 next-hop global
[30206|bgpd] Configuration file[/etc/frr/frr.conf] processing failure: 2
";
    let answer = read(&stdout, stderr);
    let seen: Vec<_> =
        answer.refused.iter().map(|r| (r.line_number, r.text.as_str(), r.reason.as_str())).collect();
    assert_eq!(
        seen,
        [
            (3, "neighbor 10.0.0.5 tymers 1 2", "Unknown command"),
            (4, "neighbor 10.0.0.5 timers 1 1", "Invalid value"),
            (8, "no set ipv6 next-hop global", "Command incomplete"),
        ]
    );
    assert!(answer.failures.is_empty());
}

#[test]
fn the_end_of_a_file_after_a_refused_block_is_seen() {
    let stdout = format!(
        "{SENT}BGP instance name and AS number mismatch\nBGP instance is already running; AS is 65000\n"
    );
    let stderr = "\
line 11: Failure to communicate[13] to bgpd, line: router bgp 65099

line 12: % Unknown command[4]:  neighbor 10.0.0.6 remote-as internal
line 13: Warning[4]...: early exit from config file
";
    let answer = read(&stdout, stderr);
    assert_eq!(answer.stopped_at, Some(13));
    assert_eq!(answer.refused.len(), 2);
    assert!(answer.refused[0].reason.contains("already running; AS is 65000"));
}

#[test]
fn trouble_of_vtysh_itself_is_no_refused_line() {
    for (stdout, stderr) in [
        ("", "Exiting: failed to connect to any daemons.\n"),
        ("vtysh: error reading from bgpd: No such file or directory\n", ""),
        ("", "Configuration file[/run/plan.conf] processing failure: 11\n"),
    ] {
        let answer = read(stdout, stderr);
        assert!(!answer.is_clean() && answer.refused.is_empty());
        assert_eq!(answer.failures.len(), 1, "{stdout}{stderr}");
    }
}

#[test]
fn passwords_are_not_repeated() {
    let stderr = "line 1: % Unknown command[28]:  neighbor 10.0.0.5 password two words\n";
    let answer = read("", stderr);
    assert_eq!(answer.refused[0].text, "neighbor 10.0.0.5 password <masked>");
}

#[test]
fn a_refused_line_leads_to_its_object() {
    let origins: Origins = [Origin("BGPPeer metallb-system/tor".into())].into();
    let line = PlannedLine {
        text: " neighbor 10.0.0.5 timers 1 1".to_owned(),
        origins,
        effect: Effect::None,
        frame: false,
    };
    let plan = ChangePlan { lines: vec![line], ..ChangePlan::default() };
    let answer = read(
        "% Invalid value\n",
        "line 1: Failure to communicate[13] to bgpd, line:  neighbor 10.0.0.5 timers 1 1\n",
    );
    let blame = answer.blame(&plan);
    let planned = blame[0].1.unwrap();
    assert_eq!(
        planned.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["BGPPeer metallb-system/tor"]
    );
}
