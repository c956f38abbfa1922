//! `/healthz` and `/readyz`, for kubelets: whether the program runs, and whether it can do its work.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use http::StatusCode;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// The checks of readiness by name, each open until it is [`Health::ready`]. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Health {
    checks: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
}

impl Health {
    /// With these checks, none of them good yet.
    #[must_use]
    pub fn new(checks: &[&'static str]) -> Self {
        let health = Self::default();
        for name in checks {
            health.not_ready(name, "not yet");
        }
        health
    }

    /// The check is good.
    pub fn ready(&self, check: &'static str) {
        self.set(check, Ok(()));
    }

    /// The check is not good, and why; no secret belongs there.
    pub fn not_ready(&self, check: &'static str, why: impl Into<String>) {
        self.set(check, Err(why.into()));
    }

    fn set(&self, check: &'static str, how: Result<(), String>) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).insert(check, how);
    }

    /// Whether every check is good, and a line for each, as Kubernetes' programs write them.
    #[must_use]
    pub fn report(&self) -> (bool, String) {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, how) in checks.iter() {
            // Writing to a text cannot fail.
            let _ = match how {
                Ok(()) => writeln!(text, "[+]{name} ok"),
                Err(why) => writeln!(text, "[-]{name} failed: {why}"),
            };
        }
        let good = checks.values().all(Result::is_ok);
        let _ = writeln!(text, "readyz check {}", if good { "passed" } else { "failed" });
        (good, text)
    }

    /// The pages. A program that answers is healthy; `/readyz` says which check is not good, with `?verbose` all of them.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(readyz))
            .with_state(self.clone())
    }
}

async fn readyz(State(health): State<Health>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let verbose = query.is_some_and(|query| query.split('&').any(|word| word.starts_with("verbose")));
    match health.report() {
        (true, text) if verbose => (StatusCode::OK, text),
        (true, _) => (StatusCode::OK, "ok".to_owned()),
        (false, text) => (StatusCode::INTERNAL_SERVER_ERROR, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::https::{Limits, serve_plain};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn readiness_names_what_is_missing() {
        let health = Health::new(&["caches", "certificates"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_plain(listener, health.router(), Limits::default(), std::future::pending()));
        let ask = async |path: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        assert!(ask("/healthz").await.ends_with("\r\n\r\nok"));
        health.ready("caches");
        let answer = ask("/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        let lines = "[+]caches ok\n[-]certificates failed: not yet\nreadyz check failed\n";
        assert!(answer.ends_with(lines), "{answer}");
        health.ready("certificates");
        assert!(ask("/readyz").await.ends_with("\r\n\r\nok"));
        assert!(ask("/readyz?verbose").await.ends_with("[+]certificates ok\nreadyz check passed\n"));
        health.not_ready("caches", "services: the watch is away");
        assert!(ask("/readyz").await.contains("[-]caches failed: services: the watch is away"));
    }
}
