//! The ports: pages of metrics for those who may, and of health for this node's kubelet.

use super::counts::Metrics;
use super::frr::Naming;
use super::options::{Addresses, Options};
use super::scrape::{Alive, Scraper};
use crate::endpoint::LIMITS;
use anyhow::Result;
use axum::Router;
use axum::routing::get;
use herald_serving::access::Guard;
use herald_serving::health::Health;
use herald_serving::https;
use herald_serving::metrics::{router, router_of, text};
use herald_serving::secure::Secure;
use http::StatusCode;
use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::{error, info};

/// A port that is taken is tried again after this time: another agent, or MetalLB's speaker, may be about to leave it.
const AGAIN: Duration = Duration::from_secs(2);
/// The loop has this long to say what is announced.
const LOOP: Duration = Duration::from_secs(10);

/// The check of readiness that all inputs are known.
pub const CACHES: &str = "caches";

/// Where the loop is asked what is announced; the answer is a page.
pub type Announced = Arc<dyn Fn(oneshot::Sender<String>) + Send + Sync>;

/// What the pages are made of.
pub struct Sources<'a> {
    /// What the loop tells.
    pub metrics: &'a Metrics,
    /// What it is asked.
    pub announced: Announced,
    /// FRR, where it is the agent's own.
    pub scraper: Option<Scraper>,
    /// Who is let in.
    pub guard: Arc<Guard>,
}

/// Serves metrics in tasks of their own until the agent ends. A port that is taken keeps nothing else from working.
///
/// # Errors
/// Flags that leave nothing to speak, and certificates that cannot be used.
pub fn start(options: &Options, addresses: &Addresses, node: &str, sources: Sources<'_>) -> Result<()> {
    let secure = Secure::of_folder(&options.tls, Path::new(&options.metrics_cert_dir), node)?;
    let Sources { metrics, announced, scraper, guard } = sources;
    let of_frr = |naming: Naming| {
        let (page, scraper, process) = (scraper.clone()?, scraper.clone()?, metrics.process());
        let page = router_of(guard.clone(), move || with_process(page.clone(), process.clone(), naming));
        Some(page.merge(livez(scraper)))
    };
    let registry = metrics.speaker();
    let speaker = router_of(guard.clone(), move || {
        let (registry, announced) = (registry.clone(), announced.clone());
        async move {
            let own = text(&registry).map_err(|why| why.to_string())?;
            Ok::<_, String>(own + &ask(announced).await?)
        }
    });
    let pages = [
        (addresses.speaker, Some(speaker)),
        (addresses.frr_metrics, of_frr(Naming::Metallb)),
        (addresses.daemon, Some(router(metrics.daemon(), guard.clone()))),
        (addresses.daemon_frr_metrics, of_frr(Naming::Frrk8s)),
    ];
    for (address, router) in pages {
        let (Some(address), Some(router)) = (address, router) else { continue };
        let secure = secure.clone();
        tokio::spawn(async move {
            secure.serve(listen(address).await, router, LIMITS, pending()).await;
        });
    }
    tokio::spawn(secure.follow());
    Ok(())
}

/// Serves health in tasks of their own until the agent ends.
pub fn start_health(addresses: &Addresses, health: &Health) {
    for address in addresses.health.into_iter().flatten() {
        let router = health.router();
        tokio::spawn(async move {
            https::serve_plain(listen(address).await, router, LIMITS, pending()).await;
        });
    }
}

async fn with_process(
    scraper: Scraper,
    process: prometheus::Registry,
    naming: Naming,
) -> Result<String, prometheus::Error> {
    let of_frr = scraper.page(naming).await;
    Ok(of_frr + &text(&process)?)
}

async fn ask(announced: Announced) -> Result<String, &'static str> {
    let (sender, answer) = oneshot::channel();
    announced(sender);
    match timeout(LOOP, answer).await {
        Ok(Ok(page)) => Ok(page),
        // A page without them would look as if nothing were announced.
        _ => Err("the agent does not say what it announces"),
    }
}

/// For anybody, as a kubelet has no token.
fn livez(scraper: Scraper) -> Router {
    let answer = move || {
        let scraper = scraper.clone();
        async move {
            match scraper.alive().await {
                Alive::All => (StatusCode::OK, "ok\n".to_owned()),
                Alive::Missing(daemons) => {
                    (StatusCode::NOT_FOUND, format!("not running: {}\n", daemons.join(", ")))
                }
                Alive::Hung(daemons) => {
                    (StatusCode::INTERNAL_SERVER_ERROR, format!("no answer: {}\n", daemons.join(", ")))
                }
            }
        }
    };
    Router::new().route("/livez", get(answer))
}

/// Opens the port, now or once it is free.
async fn listen(address: SocketAddr) -> TcpListener {
    let mut told = false;
    loop {
        let opened = match address {
            // Of both families, where the kernel has both.
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => https::listen(v4.port()).await,
            other => TcpListener::bind(other).await,
        };
        match opened {
            Ok(listener) => {
                info!(event = "Listening", address = %address);
                return listener;
            }
            Err(why) if !told => {
                told = true;
                error!(event = "ListenFailed", address = %address, error = %why, "tried again until the port is free");
            }
            Err(_) => {}
        }
        sleep(AGAIN).await;
    }
}
