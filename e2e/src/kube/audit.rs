//! What our `ServiceAccounts` asked the API server, and when, from its audit log.

use anyhow::{Context, Result};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The log's name in the server's folder.
pub const LOG: &str = "audit.log";

/// The accounts of the namespace that our manifests make, and whoever creates Services: each request once, without its
/// body.
pub const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ['system:serviceaccounts:metallb-system']
  - level: Metadata
    verbs: [create]
    resources: [{group: '', resources: [services]}]
  - level: None
";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// Who asked, as the API server names users.
    pub user: String,
    /// `create`, `patch`, `watch`...
    pub verb: String,
    /// `services/status`; for another path than a resource's that path.
    pub what: String,
    /// The object; empty for all of them.
    pub name: String,
    /// The answer's status code.
    pub code: u64,
    /// RBAC said no. (A webhook's no has the same status code.)
    pub forbidden: bool,
}

/// Everything that our accounts asked so far.
pub fn read(folder: &Path) -> Result<Vec<Asked>> {
    Ok(events(folder)?.iter().filter(|event| is_ours(event)).map(one).collect())
}

/// When a Service of the namespace `default` was created, and when its status was written first: both as the API server
/// noted before it answered.
pub fn first_status(folder: &Path, name: &str) -> Result<(Timestamp, Timestamp)> {
    let events = events(folder)?;
    let at = |verb: &str, subresource: Option<&str>| {
        let mut wanted = events.iter().filter(|event| {
            let object = &event["objectRef"];
            let succeeded = event["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300);
            let of_service = object["resource"] == "services" && object["namespace"] == "default";
            let this = object["name"] == name && object["subresource"].as_str() == subresource;
            succeeded && of_service && this && event["verb"] == verb
        });
        let event = wanted.next().with_context(|| format!("no {verb} of {name} {subresource:?}"))?;
        let at = event["stageTimestamp"].as_str().context("it has a time")?;
        at.parse().with_context(|| at.to_owned())
    };
    Ok((at("create", None)?, at("patch", Some("status"))?))
}

/// Every request of our accounts as it began, oldest first: its verb, and its path with query.
pub fn begun(folder: &Path) -> Result<Vec<(String, String)>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let begins = |event: &&Value| (event["verb"] == "watch") == (event["stage"] == "ResponseStarted");
    let all = all_events(folder)?;
    let ours = all.iter().filter(|event| is_ours(event)).filter(begins);
    Ok(ours.map(|event| (text(&event["verb"]), text(&event["requestURI"]))).collect())
}

fn is_ours(event: &Value) -> bool {
    let user = event["user"]["username"].as_str().unwrap_or_default();
    user.starts_with("system:serviceaccount:metallb-system:")
}

/// Each request once, when it was answered in full.
fn events(folder: &Path) -> Result<Vec<Value>> {
    let mut events = all_events(folder)?;
    // A watch is logged when it starts and when it ends.
    events.retain(|event| event["stage"] != "ResponseStarted");
    Ok(events)
}

fn all_events(folder: &Path) -> Result<Vec<Value>> {
    // No request of ours, no file.
    let text = fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let event = |line| serde_json::from_str(line).with_context(|| format!("audit log: {line}"));
    whole.lines().map(event).collect()
}

fn one(event: &Value) -> Asked {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    let what = match (object["resource"].as_str(), object["subresource"].as_str()) {
        (Some(resource), Some(sub)) => format!("{resource}/{sub}"),
        (Some(resource), None) => resource.to_owned(),
        (None, _) => text(&event["requestURI"]),
    };
    let name = [&object["namespace"], &object["name"]].map(text).join("/");
    Asked {
        user: text(&event["user"]["username"]),
        verb: text(&event["verb"]),
        what,
        name: name.trim_matches('/').to_owned(),
        code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
        forbidden: event["annotations"]["authorization.k8s.io/decision"] == "forbid",
    }
}

/// How often each verb was asked of each resource.
#[must_use]
pub fn counts(asked: &[Asked]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for one in asked {
        *counts.entry((one.verb.clone(), one.what.clone())).or_default() += 1;
    }
    counts
}
