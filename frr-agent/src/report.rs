//! What people read: one log line per thing that happened, never a password.

use crate::confirm::{Condition, NOT_TAKEN_BACK};
use crate::machine::{Attempt, Failure, Outcome, RefusedLine, Report};
use crate::vtysh::Holder;
use herald_core::health_port::Answer;
use herald_core::plan::Note;
use herald_core::problem::{Problem, Severity};
use herald_core::snapshot::ServiceKey;
use herald_frr::config::Origins;
use herald_frr::render::mask_passwords;
use nix::unistd::Pid;
use std::collections::HashSet;
use std::error::Error;
use std::hash::Hash;
use tracing::{error, info, warn};

/// Logs what the machine reports.
pub fn report(report: &Report) {
    match report {
        Report::InSync => info!(event = "InSync", "FRR runs what is wanted"),
        Report::NotKept(lines) => not_kept(lines),
        Report::NotInTable(prefixes) => warn!(
            event = "NotInTable",
            prefixes = prefixes.join(", "),
            "FRR's configuration is right, but its table does not follow"
        ),
        Report::Drift { lines, repaired: true } => {
            warn!(event = "Drift", lines = masked(lines), "somebody changed what is ours in FRR; repaired");
        }
        Report::Drift { lines, repaired: false } => warn!(
            event = "Drift",
            lines = masked(lines),
            "somebody changed what is ours in FRR; left so (--drift=report), these lines would repair it"
        ),
        Report::DriftGone => info!(event = "DriftGone", "FRR runs what is wanted again"),
        Report::Restored => restored(),
        Report::Unknown(lines) => error!(
            event = "StateUnknown",
            lines = masked(lines),
            "the last good configuration could not be put back; FRR is read again later"
        ),
        Report::Failed(Failure { why, hung, .. }) if hung.is_empty() => {
            error!(event = "ApplyFailed", error = why, "vtysh failed; trying again");
        }
        Report::Failed(Failure { why, hung, .. }) => {
            error!(event = "FRRHung", daemons = hung.join(", "), error = why, "trying again");
        }
        Report::FrrDown => warn!(event = "FRRDown", "a daemon of FRR went away"),
    }
}

/// Logs what came of an attempt. A failure is reported by the machine, once and not for each attempt.
pub fn attempted(attempt: &Attempt) {
    let plan = &attempt.plan;
    match &attempt.outcome {
        Outcome::Taken if attempt.back => restored(),
        Outcome::Taken => info!(
            event = "Applied",
            // As MetalLB says it: scripts look for it.
            op = "reload-validate",
            success = "reloaded config",
            lines = plan.lines.len(),
            soft_clears = plan.soft_clears.len(),
            resets = plan.resets.len(),
            "FRR took the change"
        ),
        Outcome::Refused(lines) => lines.iter().for_each(refused),
        Outcome::NotKept(lines) => not_kept(lines),
        Outcome::Failed(_) => {}
    }
}

/// Logs that something could not be kept over a restart; all else goes on, and it is tried again.
pub fn state_failed(why: &dyn Error) {
    error!(event = "StateFailed", error = %why, "tried again; nothing else waits for it");
}

/// Logs how an edit that asks for commit-confirmed ended.
pub fn commit(condition: &Condition) {
    let Condition { object, reason, message, .. } = condition;
    match (condition.status.as_str(), reason.as_str()) {
        ("True", _) => info!(event = "CommitConfirmed", object, reason, "{message}"),
        (_, NOT_TAKEN_BACK) => error!(event = "CommitFailed", object, reason, "{message}"),
        _ => error!(event = "CommitReverted", object, reason, "{message}"),
    }
}

/// The time, RFC 3339 in UTC.
#[must_use]
pub fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

fn restored() {
    warn!(event = "Restored", "the last good configuration is back");
}

fn not_kept(lines: &[String]) {
    error!(event = "NotKept", lines = masked(lines), "FRR took the change but runs something else");
}

/// Logs problems of the manifests that are not among those `known` before.
pub fn problems(problems: &[Problem], known: &[Problem]) {
    let known: HashSet<_> = known.iter().map(identity).collect();
    for problem in problems.iter().filter(|problem| !known.contains(&identity(problem))) {
        let object = problem.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let place = problem.location.as_ref().map(ToString::to_string).unwrap_or_default();
        let field = problem.field.to_string();
        match problem.severity {
            Severity::Error => {
                error!(event = problem.reason, object, field, place, "{}", problem.message);
            }
            Severity::Warning => warn!(event = problem.reason, object, field, place, "{}", problem.message),
        }
    }
}

/// Logs that the node begins to drain, or no longer does.
pub fn draining(begins: bool) {
    if begins {
        info!(event = "Draining", "the node drains: advertisements with herald.metallb.io/drain withdraw");
    } else {
        info!(event = "DrainingOver", "the node does not drain any more");
    }
}

/// Logs that the first endpoint of a Service here is announced, if kube-proxy did not say that it serves it.
pub fn first_endpoint(service: &ServiceKey, answer: Answer, count: u64) {
    let why = match answer {
        Answer::Serves => return,
        Answer::NotYet => "kube-proxy did not say within 2 s that it serves it",
        Answer::Refused => "nobody listens on its healthCheckNodePort",
        Answer::Silent => "its healthCheckNodePort did not answer",
    };
    let service = service.to_string();
    info!(event = "KubeProxyNotReady", service, count, "the first endpoint is announced all the same: {why}");
}

/// What makes a problem another one; a line of a file moves when one before it comes or goes.
fn identity(problem: &Problem) -> impl Eq + Hash {
    (&problem.object, &problem.field, &problem.reason, &problem.message)
}

/// Logs what the manifests leave open and did not before.
pub fn notes(notes: &[Note], known: &[Note]) {
    for note in notes.iter().filter(|note| !known.contains(note)) {
        warn!(event = "Note", "{note}");
    }
}

/// Logs that a `vtysh` of an agent before us was ended.
pub fn ended_before_us(id: Pid, name: &str) {
    warn!(
        event = "VtyshEnded",
        id = id.as_raw(),
        name,
        "it was left by an agent that was killed, and still changed FRR"
    );
}

/// Logs that somebody else works with the state folder, so that FRR may be changed beside us.
pub fn not_alone(holders: &[Holder], why: &dyn Error) {
    let names: Vec<String> = holders.iter().map(|holder| format!("{} {}", holder.name, holder.id)).collect();
    warn!(
        event = "NotAlone",
        holders = names.join(", "),
        error = %why,
        "the lock of the state folder is held: by another agent, or by a vtysh that cannot be ended from here; going on"
    );
}

/// Logs that a daemon of FRR is not there; nothing is applied until it is.
pub fn waiting_for(daemon: &str) {
    warn!(
        event = "WaitingForFRR",
        daemon, "its vty socket does not answer; nothing is applied until it does"
    );
}

fn refused(line: &RefusedLine) {
    error!(
        event = "LineRefused",
        line = line.refused.text.trim(),
        reason = line.refused.reason,
        origins = names(&line.origins),
        "FRR refused a line; the last good configuration is put back"
    );
}

fn names(origins: &Origins) -> String {
    origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Lines without their passwords.
pub fn masked(lines: &[String]) -> String {
    lines.iter().map(|line| mask_passwords(line)).collect::<Vec<_>>().join("; ")
}
