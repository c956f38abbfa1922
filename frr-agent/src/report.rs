//! What people read: one log line per thing that happened, never a password.

use crate::machine::{RefusedLine, Report};
use herald_core::plan::Note;
use herald_core::problem::{Problem, Severity};
use herald_frr::config::Origins;
use herald_frr::render::mask_passwords;
use tracing::{error, info, warn};

/// Logs what the machine reports.
pub fn report(report: &Report) {
    match report {
        Report::InSync => info!(event = "InSync", "FRR runs what is wanted"),
        Report::Applied { lines, soft_clears } => {
            info!(event = "Applied", lines, soft_clears, "FRR took the change and it was read back");
        }
        Report::Refused(lines) => lines.iter().for_each(refused),
        Report::NotKept(lines) => {
            error!(event = "NotKept", lines = masked(lines), "FRR took the change but runs something else");
        }
        Report::Restored => warn!(event = "Restored", "the last good configuration is back"),
        Report::Unknown(lines) => {
            error!(
                event = "StateUnknown",
                lines = masked(lines),
                "the last good configuration could not be put back"
            );
        }
        Report::Failed(why) => error!(event = "ApplyFailed", error = why, "vtysh failed; trying again"),
        Report::FrrDown => warn!(event = "FRRDown", "a daemon of FRR went away"),
    }
}

/// Logs problems of the manifests, each once per change of the list.
pub fn problems(problems: &[Problem]) {
    for problem in problems {
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

/// Logs what the manifests leave open, each once per change of the list.
pub fn notes(notes: &[Note]) {
    for note in notes {
        warn!(event = "Note", "{note}");
    }
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

fn masked(lines: &[String]) -> String {
    lines.iter().map(|line| mask_passwords(line)).collect::<Vec<_>>().join("; ")
}
