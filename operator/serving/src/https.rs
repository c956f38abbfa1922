//! A server of an axum router, by TLS or plain, that no client can hold up: every step has a deadline and a limit.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tracing::{debug, error};

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time; further ones wait to be accepted.
    pub connections: usize,
    /// For the handshake, and then for the first whole request head.
    pub hello: Duration,
    /// For the next request on a connection that had one. Longer than Go's clients keep theirs (90 s), so that they close first.
    pub idle: Duration,
    /// From a request's head to its answer, the body included.
    pub request: Duration,
    /// Bytes of a body.
    pub body: usize,
    /// For requests under way when the server ends.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            hello: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            request: Duration::from_secs(30),
            // The API server takes objects of 3 MiB; a review may hold the new and the old one.
            body: 7 << 20,
            drain: Duration::from_secs(5),
        }
    }
}

/// Bytes of a request's head.
const HEAD: usize = 64 << 10;
/// Without a descriptor to accept with, the next attempt comes after this time.
const AGAIN: Duration = Duration::from_millis(100);

/// Opens a port on all addresses, of both families where the kernel has both.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        // A node booted without IPv6.
        Err(why) if why.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        opened => opened,
    }
}

/// Serves `router` by TLS until `end`; then no connection is accepted and those that are there end after their request. It
/// returns when they have, or after [`Limits::drain`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Arc<ServerConfig>,
    limits: Limits,
    end: impl Future<Output = ()>,
) {
    run(listener, router, Some(TlsAcceptor::from(tls)), limits, end).await;
}

/// The same without TLS: for health pages.
pub async fn serve_plain(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    end: impl Future<Output = ()>,
) {
    run(listener, router, None, limits, end).await;
}

async fn run(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    end: impl Future<Output = ()>,
) {
    let router = router.layer(DefaultBodyLimit::max(limits.body));
    let free = Arc::new(Semaphore::new(limits.connections));
    let (ending, ended) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut end = pin!(end);
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let (router, tls, ended) = (router.clone(), tls.clone(), ended.clone());
                connections.spawn(async move {
                    one(stream, router, tls, limits, ended).await;
                    drop(place);
                });
            }
            Err(why) => {
                error!(event = "AcceptFailed", error = %why);
                sleep(AGAIN).await;
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    // What is left is aborted with the set.
    let _ = timeout(limits.drain, drained).await;
}

async fn one(
    stream: TcpStream,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    ended: watch::Receiver<bool>,
) {
    // Answers are small and whole.
    let _ = stream.set_nodelay(true);
    let done = match tls {
        None => talk(stream, false, router, limits, ended).await,
        Some(tls) => match timeout(limits.hello, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                talk(stream, http2, router, limits, ended).await
            }
            Ok(Err(why)) => Err(why.into()),
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        },
    };
    // A client that does not go on is its own business: at a level that nobody reads by default.
    if let Err(why) = done {
        debug!(event = "ConnectionFailed", error = %why);
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    http2: bool,
    router: Router,
    limits: Limits,
    mut ended: watch::Receiver<bool>,
) -> Result<(), BoxError> {
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let (asked, router) = (Arc::clone(&asked), TowerToHyperService::new(router));
        service_fn(move |request| {
            asked.store(true, Ordering::Relaxed);
            answer(router.clone(), request, limits.request)
        })
    };
    let builder = builder(http2, limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut first = pin!(sleep(limits.hello));
    // A sender that is gone is an end too.
    let mut ended = pin!(async move { drop(ended.wait_for(|ended| *ended).await) });
    let mut waiting = true;
    loop {
        tokio::select! {
            done = connection.as_mut() => return done,
            () = &mut first, if waiting => {
                if !asked.load(Ordering::Relaxed) {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                }
                waiting = false;
            }
            () = &mut ended => {
                connection.as_mut().graceful_shutdown();
                return connection.await;
            }
        }
    }
}

fn builder(http2: bool, limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(HEAD)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(HEAD).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.idle / 4)
        .keep_alive_timeout(limits.hello);
    if http2 { builder.http2_only() } else { builder.http1_only() }
}

/// The router's answer, or that it took too long: a body that trickles in is a request that does not come to its end.
async fn answer(
    router: TowerToHyperService<Router>,
    request: Request<Incoming>,
    limit: Duration,
) -> Result<Response, Infallible> {
    match timeout(limit, router.call(request)).await {
        Ok(answer) => answer,
        Err(_) => Ok((StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response()),
    }
}

#[cfg(test)]
mod tests;
