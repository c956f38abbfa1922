//! Kubernetes Events: one that is repeated is counted, not written again (core/v1 `Event`).

use super::MANAGER;
use super::request::Api;
use crate::clock;
use herald_core::control::{Event, WriteFailure};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// An Event that is repeated within this time is the same one, as for other components of Kubernetes.
const SAME: Duration = Duration::from_mins(10);
/// How many are remembered for that.
const REMEMBERED: usize = 1024;
/// How often one is tried, and how long after a failure.
const ATTEMPTS: u32 = 3;
const AGAIN: Duration = Duration::from_secs(1);

/// What makes two Events the same: the object's uid, reason, message.
type Key = (Arc<str>, &'static str, String);

/// An Event that was written.
#[derive(Debug, Clone)]
struct Written {
    name: String,
    count: u32,
    at: Duration,
}

/// Writes Events.
pub struct Events {
    api: Arc<Api>,
    written: Mutex<HashMap<Key, Written>>,
    number: AtomicU32,
}

impl Events {
    /// Nothing is remembered yet.
    pub fn new(api: Arc<Api>) -> Self {
        Self { api, written: Mutex::default(), number: AtomicU32::new(0) }
    }

    /// Writes one. It is lost if the API server does not take it.
    pub async fn tell(&self, event: &Event) {
        for attempt in 1..=ATTEMPTS {
            match self.attempt(event).await {
                Ok(()) => return,
                // Of a namespace that is being deleted, for one.
                Err(WriteFailure::Forbidden(why) | WriteFailure::Invalid(why)) => {
                    tracing::warn!(op = "event", object = %event.about, error = why, "not told");
                    return;
                }
                Err(why) if attempt == ATTEMPTS => {
                    tracing::warn!(op = "event", object = %event.about, ?why, "not told");
                }
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    async fn attempt(&self, event: &Event) -> Result<(), WriteFailure> {
        let namespace = match &*event.about.namespace {
            "" => "default",
            namespace => namespace,
        };
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let key = (event.uid.clone(), event.reason, event.message.clone());
        let now = Timestamp::now();
        if let Some(Written { name, count, .. }) = self.repeated(&key) {
            let change = json!({"count": count, "lastTimestamp": format!("{now:.0}")});
            let outcome = self.api.merge(&format!("{path}/{name}"), &change).await;
            // The API server forgets Events after an hour.
            if outcome != Err(WriteFailure::NotFound) {
                return outcome.map(drop);
            }
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed) % 0x1_0000;
        let name = format!("{}.{:x}{number:04x}", event.about.name, now.as_nanosecond());
        self.api.create(&path, &object(event, namespace, &name, now)).await?;
        self.remember(key, Written { name, count: 1, at: clock::now() });
        Ok(())
    }

    /// The Event that this one repeats, counted up.
    fn repeated(&self, key: &Key) -> Option<Written> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let known = written.get_mut(key)?;
        if known.at + SAME < clock::now() {
            return None;
        }
        known.count += 1;
        Some(known.clone())
    }

    fn remember(&self, key: Key, event: Written) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= REMEMBERED {
            let now = clock::now();
            written.retain(|_, known| known.at + SAME >= now);
        }
        // Ever new Events are not worth remembering: none of them is repeated.
        if written.len() >= REMEMBERED {
            written.clear();
        }
        written.insert(key, event);
    }
}

fn object(event: &Event, namespace: &str, name: &str, now: Timestamp) -> Value {
    let Event { about, uid, warning, reason, message } = event;
    let api_version = if about.kind == "Service" { "v1" } else { "metallb.io/v1beta1" };
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": uid,
        },
        "type": if *warning { "Warning" } else { "Normal" },
        "reason": reason,
        "message": message,
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "count": 1,
        "firstTimestamp": format!("{now:.0}"),
        "lastTimestamp": format!("{now:.0}"),
    })
}
