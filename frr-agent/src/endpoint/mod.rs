//! The agent's HTTPS endpoint: reads only, for those whom the cluster's API lets.

mod access;
mod answer;
mod tls;

use crate::conditions::CONDITIONS;
use crate::history;
use crate::live::Facts;
use access::Guard;
use answer::{Question, Reply};
use anyhow::{Context, Result};
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tls::Certificate;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error, info};

/// So many connections at a time; further ones wait.
const CONNECTIONS: usize = 16;
/// A handshake, and the headers of a request, may take this long.
const HEADERS: Duration = Duration::from_secs(5);
/// A connection serves one question and lasts no longer.
const CONNECTION: Duration = Duration::from_secs(30);
/// Bytes of headers.
const HEADER_BYTES: usize = 16 << 10;
/// Without a descriptor to accept with, the next attempt comes after this time.
const AGAIN: Duration = Duration::from_millis(100);

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
    guard: Guard,
    node: String,
    state: PathBuf,
    facts: watch::Receiver<Arc<Facts>>,
}

/// Serves, if asked to, in a task of its own until the agent ends.
pub async fn start(
    options: &Options,
    state: &Path,
    node: &str,
    facts: watch::Receiver<Arc<Facts>>,
) -> Result<()> {
    let Some(listen) = options.listen else { return Ok(()) };
    let guard = Guard::new(options.kubeconfig.as_deref()).await?;
    let certificate = match (&options.tls_cert_file, &options.tls_key_file) {
        (Some(certificate), Some(key)) => Certificate::of_files(certificate, key)?,
        _ => Certificate::self_signed(state, node, listen.ip())?,
    };
    let listener = TcpListener::bind(listen).await.with_context(|| format!("--listen {listen}"))?;
    info!(event = "Listening", address = %listener.local_addr()?);
    let served = Served { guard, node: node.to_owned(), state: state.to_owned(), facts };
    tokio::spawn(accept(listener, certificate, Arc::new(served)));
    Ok(())
}

async fn accept(listener: TcpListener, mut certificate: Certificate, served: Arc<Served>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = room.clone().acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(why) => {
                error!(event = "AcceptFailed", error = %why);
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let acceptor = TlsAcceptor::from(certificate.current());
        let served = served.clone();
        tokio::spawn(async move {
            let _place = place;
            if timeout(CONNECTION, serve(stream, acceptor, served)).await.is_err() {
                debug!(event = "ConnectionEnded", "it lasted too long");
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, served: Arc<Served>) {
    let stream = match timeout(HEADERS, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(why)) => return debug!(event = "HandshakeFailed", error = %why),
        Err(_) => return debug!(event = "HandshakeFailed", error = "it took too long"),
    };
    let service = service_fn(|request| {
        let served = served.clone();
        async move { Ok::<_, Infallible>(response(served.reply(&request).await)) }
    });
    let mut http = http1::Builder::new();
    // One question per connection: a body is never read.
    http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEADER_BYTES);
    if let Err(why) = http.serve_connection(TokioIo::new(stream), service).await {
        debug!(event = "ConnectionEnded", error = %why);
    }
}

impl Served {
    async fn reply(self: Arc<Self>, request: &Request<Incoming>) -> Reply {
        if request.method() != Method::GET {
            return Reply::error(StatusCode::METHOD_NOT_ALLOWED, "only GET: nothing can be changed here");
        }
        let question = match Question::read(request.uri().path(), request.uri().query()) {
            Ok(question) => question,
            Err(reply) => return reply,
        };
        if let Some(path) = question.resource() {
            let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            if let Err(reply) = self.guard.check(header, path).await {
                return reply;
            }
        }
        let answered = tokio::task::spawn_blocking(move || self.answer(question)).await;
        answered.unwrap_or_else(|_| Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "the answer failed"))
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

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let Reply { status, media, text } = reply;
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        _ => {}
    }
    response
}
