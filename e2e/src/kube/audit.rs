//! What our `ServiceAccounts` asked the API server, from its audit log.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The log's name in the server's folder.
pub const LOG: &str = "audit.log";

/// The accounts of the namespace that our manifests make, each request once, without its body.
pub const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ['system:serviceaccounts:metallb-system']
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

/// Everything asked so far.
pub fn read(folder: &Path) -> Result<Vec<Asked>> {
    // No request of ours, no file.
    let text = fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut asked = Vec::new();
    for line in whole.lines() {
        let event: Value = serde_json::from_str(line).with_context(|| format!("audit log: {line}"))?;
        // A watch is logged when it starts and when it ends.
        if event["stage"] != "ResponseStarted" {
            asked.push(one(&event));
        }
    }
    Ok(asked)
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
