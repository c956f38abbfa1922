//! The agent's HTTPS endpoint: reads only, for those whom the cluster's API lets.

mod answer;
mod kept;

use crate::conditions::CONDITIONS;
use crate::history;
use crate::live::Facts;
use answer::{Question, Reply};
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use herald_serving::access::{Guard, Refusal};
use herald_serving::certificates::Certificates;
use herald_serving::https::Limits;
use herald_serving::secure::Secure;
use herald_serving::tls;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

/// Few people ask, and each question is small.
pub const LIMITS: Limits = Limits {
    connections: 16,
    hello: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    request: Duration::from_secs(30),
    body: 0,
    drain: Duration::ZERO,
};

/// How the endpoint is served.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Serve history and status over HTTPS at this address
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Certificate (PEM) of the endpoint, read again when it changes; by default one is made and kept
    #[arg(long, value_name = "FILE", requires_all = ["listen", "tls_key_file"])]
    pub tls_cert_file: Option<PathBuf>,
    /// Key (PEM) of the certificate
    #[arg(long, value_name = "FILE", requires_all = ["listen", "tls_cert_file"])]
    pub tls_key_file: Option<PathBuf>,
    /// How to reach the cluster's API, which says who may ask; by default as a pod does
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// What is served.
struct Served {
    guard: Arc<Guard>,
    node: String,
    state: PathBuf,
    facts: watch::Receiver<Arc<Facts>>,
}

/// Serves at `listen`, in tasks of its own until the agent ends.
pub async fn start(
    listen: SocketAddr,
    options: &Options,
    tls: &tls::Flags,
    guard: Arc<Guard>,
    state: &Path,
    node: &str,
    facts: watch::Receiver<Arc<Facts>>,
) -> Result<()> {
    let certificates = match (&options.tls_cert_file, &options.tls_key_file) {
        (Some(certificate), Some(key)) => Certificates::of_files(certificate, key)?,
        _ => kept::certificates(state, node, listen.ip())?,
    };
    let secure = Secure::new(tls, certificates)?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("--listen {listen}"))?;
    info!(event = "Listening", address = %listener.local_addr()?);
    let served = Served { guard, node: node.to_owned(), state: state.to_owned(), facts };
    let router = Router::new().fallback(answer).with_state(Arc::new(served));
    tokio::spawn(secure.clone().serve(listener, router, LIMITS, pending()));
    tokio::spawn(secure.follow());
    Ok(())
}

async fn answer(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    served.reply(&method, &uri, &headers).await
}

impl Served {
    async fn reply(
        self: Arc<Self>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        if method != Method::GET {
            let reply = Reply::error(StatusCode::METHOD_NOT_ALLOWED, "only GET: nothing can be changed here");
            return Ok(([(ALLOW, "GET")], reply).into_response());
        }
        let question = match Question::read(uri.path(), uri.query()) {
            Ok(question) => question,
            Err(reply) => return Ok(reply.into_response()),
        };
        if let Some(path) = question.resource() {
            self.guard.check(headers, path).await?;
        }
        let answered = tokio::task::spawn_blocking(move || self.answer(question)).await;
        let failed = |_| Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the answer failed");
        Ok(answered.unwrap_or_else(failed).into_response())
    }

    /// Reads what is asked for from the disk (I/O).
    fn answer(&self, question: Question) -> Reply {
        let records = match question {
            Question::Health => Vec::new(),
            _ => history::read(&self.state.join(herald_core::history::FOLDER)),
        };
        let status = self.status(records.last().map(|record| &record.entry));
        question.answer(&self.node, records, &status)
    }

    /// All that the agent tells, in one value.
    fn status(&self, last: Option<&herald_core::history::Entry>) -> Value {
        json!({
            "node": self.node,
            "version": env!("CARGO_PKG_VERSION"),
            "live": **self.facts.borrow(),
            "conditions": self.conditions(),
            "lastAttempt": last.map(|entry| json!({
                "revision": entry.revision,
                "time": entry.time,
                "outcome": entry.outcome,
                "message": entry.message,
            })),
        })
    }

    /// As the last write left them; none while nothing was written.
    fn conditions(&self) -> Value {
        let text = std::fs::read_to_string(self.state.join(CONDITIONS)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|_| json!([]))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, self.media)], self.text).into_response()
    }
}
