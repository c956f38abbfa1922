//! What goes over the wire, and what the API server takes.

use crate::agent::Usage;
use anyhow::{Context, Result};
use herald_e2e::{Kube, Namespace};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use std::time::Instant;
use tower::{BoxError, ServiceBuilder};

/// How a node's requests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// All by one (HTTP/2), as the agent's.
    One,
    /// One for each under way (HTTP/1.1).
    Each,
}

/// A client of its own for a node.
pub fn client(config: &Config, connections: Connections) -> Result<Client> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_only();
    let connector = match connections {
        Connections::One => tls.enable_http2().wrap_connector(tcp),
        Connections::Each => tls.enable_http1().wrap_connector(tcp),
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2_only(connections == Connections::One);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(BoxError::from)
        .service(builder.build::<_, Body>(connector));
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}

/// What there was at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    at: Instant,
    /// Of the API server, and of the store behind it, in ms of processor time.
    pub api: f64,
    pub store: f64,
    /// Of the API server, resident, in MB.
    pub megabytes: f64,
    /// On the wire to and from the nodes: TLS, TCP and IP included.
    pub bytes: f64,
}

/// What one took of another's time.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub seconds: f64,
    pub api: f64,
    pub store: f64,
    pub bytes: f64,
}

impl Moment {
    /// Now, of these nodes.
    pub fn now(kube: &Kube, nodes: &Namespace) -> Result<Self> {
        let api = Usage::of(kube.api_id())?;
        Ok(Self {
            at: Instant::now(),
            api: api.cpu_milliseconds,
            store: Usage::of(kube.store_id())?.cpu_milliseconds,
            megabytes: api.megabytes,
            bytes: wire(nodes)?,
        })
    }

    /// From then to now.
    pub fn since(&self, before: &Self) -> Spent {
        Spent {
            seconds: self.at.duration_since(before.at).as_secs_f64(),
            api: self.api - before.api,
            store: self.store - before.store,
            bytes: self.bytes - before.bytes,
        }
    }
}

/// Bytes in both directions by the interface that leads to the API server.
fn wire(nodes: &Namespace) -> Result<f64> {
    let table = nodes.run("cat", &["/proc/net/dev"])?;
    let line = table.lines().find_map(|line| line.trim().strip_prefix("pods0:"));
    let numbers: Vec<f64> =
        line.context("no pods0")?.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    // proc(5): bytes received come first, bytes sent ninth.
    Ok(numbers.first().context("a short line")? + numbers.get(8).context("a short line")?)
}

/// Connections to the API server that stand.
pub fn connections(nodes: &Namespace) -> Result<usize> {
    let lines = nodes.run("ss", &["-Htn", "state", "established", "dport", "=", ":6443"])?;
    Ok(lines.lines().filter(|line| !line.trim().is_empty()).count())
}
