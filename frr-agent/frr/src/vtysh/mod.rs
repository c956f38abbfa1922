//! What `vtysh` answered: which lines were refused, and why.
//!
//! `vtysh -f` gives the whole file to each daemon and goes on after a refused line; its exit code is
//! that of one failure. So its words are read. Forms as of FRR 8.4 and 10.3:
//!
//! - standard error, once per daemon: `line 3: % Unknown command[28]:  neighbor 10.0.0.5 tymers 1 2`
//! - standard error, from the daemon that refused: `line 4: Failure to communicate[13] to bgpd, line:  ...`,
//!   its reason on standard output, without a number
//! - standard error: `line 13: Warning[4]...: early exit from config file`: after a refused `router bgp`,
//!   its `exit` ends the file for that daemon, and what follows is not applied
//! - nothing at all for a daemon that does not run: it is only missing among those that were sent to
//!
//! A notice such as `The route-map 'x' does not exist.` refuses nothing.

#[cfg(test)]
mod tests;

use crate::diff::{ChangePlan, PlannedLine};
use crate::render::mask_passwords;
use std::collections::{BTreeMap, BTreeSet};

/// A line that FRR did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its number in the file, from 1.
    pub line_number: usize,
    /// The line, passwords masked.
    pub text: String,
    /// FRR's words, passwords masked.
    pub reason: String,
}

/// The answer to one run of `vtysh -f`, or of `vtysh -C -f`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Lines that were refused, by number, each once.
    pub refused: Vec<Refused>,
    /// The line after which a daemon read no further.
    pub stopped_at: Option<usize>,
    /// Daemons that were sent the file; none with `-C`.
    pub daemons: BTreeSet<String>,
    /// What else FRR said: for a log, not for a decision. Passwords masked.
    pub notices: Vec<String>,
    /// What kept vtysh itself from its work: a daemon that died, no daemon at all, no such file.
    pub failures: Vec<String>,
}

impl Answer {
    /// True if every line was taken by every daemon that was reached.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.stopped_at.is_none() && self.failures.is_empty()
    }

    /// The refused lines with the lines of the plan that they were, which know their origins.
    #[must_use]
    pub fn blame<'a>(&'a self, plan: &'a ChangePlan) -> Vec<(&'a Refused, Option<&'a PlannedLine>)> {
        self.refused.iter().map(|refused| (refused, plan.line(refused.line_number))).collect()
    }
}

/// Reads what `vtysh -f` or `vtysh -C -f` printed.
#[must_use]
pub fn read(stdout: &str, stderr: &str) -> Answer {
    let mut answer = Answer::default();
    let mut refused: BTreeMap<usize, Refused> = BTreeMap::new();
    for line in stderr.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match numbered(line) {
            Some((number, words)) if words.contains("early exit from config file") => {
                answer.stopped_at = Some(answer.stopped_at.map_or(number, |at| at.min(number)));
            }
            Some((number, words)) => {
                refused.entry(number).or_insert_with(|| refusal(number, words));
            }
            None if is_progress(line) => {}
            None => answer.failures.push(mask_passwords(line).into_owned()),
        }
    }
    for line in stdout.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(daemon) = sent_to(line) {
            answer.daemons.insert(daemon.to_owned());
        } else if line.starts_with("vtysh: error reading from") {
            answer.failures.push(line.to_owned());
        } else if !is_progress(line) {
            answer.notices.push(mask_passwords(line).into_owned());
        }
    }
    answer.refused = refused.into_values().collect();
    explain(&mut answer);
    answer
}

/// `line N: WORDS`.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, words) = line.strip_prefix("line ")?.split_once(": ")?;
    Some((number.parse().ok()?, words))
}

fn refusal(line_number: usize, words: &str) -> Refused {
    // `% Unknown command[28]:  TEXT` and `Failure to communicate[13] to bgpd, line:  TEXT`.
    let (reason, text) =
        words.split_once("]:").or_else(|| words.split_once(", line:")).unwrap_or((words, ""));
    let reason = reason.trim_start_matches("% ").split('[').next().unwrap_or(reason).trim();
    let text = mask_passwords(text).trim().to_owned();
    Refused { line_number, text, reason: mask_passwords(reason).into_owned() }
}

/// `[PID|DAEMON] sending configuration`.
fn sent_to(line: &str) -> Option<&str> {
    let (bracket, rest) = line.strip_prefix('[')?.split_once(']')?;
    (rest.trim() == "sending configuration").then_some(bracket.split_once('|')?.1)
}

/// What vtysh says about its work, and its count of the lines that are read above. Code 11 is no
/// count: it could not open a file.
fn is_progress(line: &str) -> bool {
    let count = line.contains("processing failure") && !line.ends_with(": 11");
    let done = line.starts_with('[') && line.ends_with("done");
    count || done || line.contains("vtysh.conf due to") || line.starts_with("Waiting for children")
}

/// Gives a daemon's words on standard output to the lines that it refused.
///
/// They carry no number: one for each in turn if they are as many, else all to each.
fn explain(answer: &mut Answer) {
    let told = |reason: &str| reason == "Failure to communicate";
    let words: Vec<&str> =
        answer.notices.iter().map(String::as_str).filter(|line| !is_notice(line)).collect();
    let silent = answer.refused.iter().filter(|refused| told(&refused.reason)).count();
    let one_each = words.len() == silent;
    let mut each = words.iter();
    for refused in answer.refused.iter_mut().filter(|refused| told(&refused.reason)) {
        let reason =
            if one_each { each.next().map(|word| (*word).to_owned()) } else { Some(words.join("; ")) };
        let reason = reason.filter(|reason| !reason.is_empty());
        refused.reason = reason
            .map_or_else(|| "refused without a reason".to_owned(), |r| r.trim_start_matches("% ").to_owned());
    }
}

/// What FRR says about lines that it does take.
fn is_notice(line: &str) -> bool {
    const PARTS: [&str; 3] =
        ["reset this peer to take effect", "does not exist.", "Echo mode works correctly for IPv4"];
    PARTS.iter().any(|part| line.contains(part))
}
