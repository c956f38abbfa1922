//! What is answered to which path.

use herald_core::history::{self, Answer, Record};
use herald_frr::render::{RenderOptions, Secrets, render};
use http::StatusCode;
use serde_json::Value;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether the agent runs; the only one that anybody may ask.
    Health,
    /// All entries.
    History,
    /// One entry.
    Entry(u64),
    /// The configuration of a revision; without one, of the last that was in force.
    Config(Option<u64>),
    /// Everything else that the agent knows.
    Status,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its media type.
    pub media: &'static str,
    /// Its text.
    pub text: String,
}

impl Question {
    /// Reads the path and query of a request.
    pub fn read(path: &str, query: Option<&str>) -> Result<Self, Reply> {
        let number = |text: &str| {
            let wrong = || Reply::error(StatusCode::BAD_REQUEST, &format!("{text:?} is no revision"));
            text.parse::<u64>().map_err(|_| wrong())
        };
        match path {
            "/healthz" => Ok(Self::Health),
            "/history" => Ok(Self::History),
            "/status" => Ok(Self::Status),
            "/config" => match query {
                None | Some("") => Ok(Self::Config(None)),
                Some(query) => match query.strip_prefix("rev=") {
                    Some(revision) => number(revision).map(|revision| Self::Config(Some(revision))),
                    None => Err(Reply::error(StatusCode::BAD_REQUEST, "only ?rev=N is known")),
                },
            },
            other => match other.strip_prefix("/history/") {
                Some(revision) => number(revision).map(Self::Entry),
                None => Err(Reply::error(
                    StatusCode::NOT_FOUND,
                    "there are /history, /history/REV, /config?rev=N, /status and /healthz",
                )),
            },
        }
    }

    /// The path that RBAC is asked about; `None` for what anybody may ask.
    #[must_use]
    pub const fn resource(self) -> Option<&'static str> {
        match self {
            Self::Health => None,
            Self::History | Self::Entry(_) => Some("/history"),
            Self::Config(_) => Some("/config"),
            Self::Status => Some("/status"),
        }
    }

    /// The answer; `status` is what the agent knows besides.
    #[must_use]
    pub fn answer(self, node: &str, records: Vec<Record>, status: &Value) -> Reply {
        match self {
            Self::Health => Reply::text("ok\n".to_owned()),
            Self::Status => Reply::json(status),
            Self::History => {
                let entries = records.into_iter().map(|record| record.entry).collect();
                Reply::json(&Answer { node: node.to_owned(), entries })
            }
            Self::Entry(revision) => match records.iter().find(|record| record.entry.revision == revision) {
                Some(record) => Reply::json(&record.entry),
                None => missing(&records, revision),
            },
            Self::Config(revision) => {
                let in_force = || records.iter().rfind(|record| record.entry.outcome.is_in_force());
                match revision.or_else(|| in_force().map(|record| record.entry.revision)) {
                    Some(revision) => config(&records, revision),
                    None => Reply::error(StatusCode::NOT_FOUND, "nothing was applied yet"),
                }
            }
        }
    }
}

fn config(records: &[Record], revision: u64) -> Reply {
    match history::rebuild(records, revision) {
        Ok(config) => {
            Reply::text(render(&config, &RenderOptions { secrets: Secrets::Mask, annotate: false }))
        }
        Err(why) => Reply::error(StatusCode::NOT_FOUND, &why.to_string()),
    }
}

fn missing(records: &[Record], revision: u64) -> Reply {
    let held: Vec<String> = records.iter().map(|record| record.entry.revision.to_string()).collect();
    let text = format!("no revision {revision} in the history; it holds {}", held.join(", "));
    Reply::error(StatusCode::NOT_FOUND, &text)
}

impl Reply {
    /// A refusal in words.
    #[must_use]
    pub fn error(status: StatusCode, text: &str) -> Self {
        Self { status, media: "text/plain; charset=utf-8", text: format!("{text}\n") }
    }

    fn text(text: String) -> Self {
        Self { status: StatusCode::OK, media: "text/plain; charset=utf-8", text }
    }

    fn json(value: &impl serde::Serialize) -> Self {
        // Texts and numbers: writing them as JSON cannot fail.
        let text = serde_json::to_string(value).unwrap_or_default();
        Self { status: StatusCode::OK, media: "application/json", text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_or_refused_with_what_there_is() {
        assert_eq!(Question::read("/history/7", None), Ok(Question::Entry(7)));
        assert_eq!(Question::read("/config", Some("rev=3")), Ok(Question::Config(Some(3))));
        assert_eq!(Question::read("/config", None), Ok(Question::Config(None)));
        let status = |path: &str, query| Question::read(path, query).unwrap_err().status;
        assert_eq!(status("/config", Some("rev=x")), StatusCode::BAD_REQUEST);
        assert_eq!(status("/history/../etc", None), StatusCode::BAD_REQUEST);
        assert_eq!(status("/metrics", None), StatusCode::NOT_FOUND);
    }

    #[test]
    fn only_health_is_for_everybody() {
        let all = [Question::History, Question::Entry(1), Question::Config(None), Question::Status];
        assert!(all.iter().all(|question| question.resource().is_some()));
        assert_eq!(Question::Health.resource(), None);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let reply = Question::Config(None).answer("node", Vec::new(), &Value::Null);
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NOT_FOUND, "nothing was applied yet\n"));
        let reply = Question::Entry(3).answer("node", Vec::new(), &Value::Null);
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
    }
}
