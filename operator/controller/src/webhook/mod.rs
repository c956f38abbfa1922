//! The webhook server: admission and conversion, with the certificate that it is reached by.

mod convert;
mod fresh;
mod judge;
mod reviews;
#[cfg(test)]
mod tests;

use crate::certificates::{self, Keeper, Source};
use crate::migrate;
use axum::Router;
use axum::routing::{get, post};
use fresh::{Fresh, Lists};
use herald_core::admission;
use herald_core::input::objects::View;
use herald_serving::certificates::Certificates;
use herald_serving::health::Health;
use herald_serving::https::{self, Limits};
use herald_serving::tls;
use judge::Judge;
use kube::Client;
use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::rustls;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// The port behind the Service, as upstream's.
pub const PORT: u16 = 9443;
/// The check of readiness that the certificate is.
pub const CERTIFICATES: &str = "certificates";

/// Where an API server asks, as MetalLB and frr-k8s name it. What is judged is said by the request.
const VALIDATE: [&str; 7] = [
    "/validate-metallb-io-v1beta2-bgppeer",
    "/validate-metallb-io-v1beta1-ipaddresspool",
    "/validate-metallb-io-v1beta1-bgpadvertisement",
    "/validate-metallb-io-v1beta1-l2advertisement",
    "/validate-metallb-io-v1beta1-community",
    "/validate-metallb-io-v1beta1-bfdprofile",
    "/validate-frrk8s-metallb-io-v1beta1-frrconfiguration",
];

/// What the webhooks need.
#[derive(Clone)]
pub struct Setup {
    /// The API server, for the certificate.
    pub client: Client,
    /// The namespace of the configuration, the Service and the Secret.
    pub namespace: Arc<str>,
    /// Where the certificate comes from.
    pub certificates: Source,
    /// `--webhook-http2`.
    pub http2: bool,
    /// `--tls-*`.
    pub tls: tls::Settings,
    /// What is there; requests wait until it is known.
    pub views: watch::Receiver<View>,
    /// How objects are judged.
    pub options: admission::Options,
    /// Where [`CERTIFICATES`] is reported.
    pub health: Health,
}

/// Why there are no webhooks.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The port is taken.
    #[error("cannot listen on port {PORT}: {0}")]
    Listen(#[from] io::Error),
    /// No handshake could succeed.
    #[error("TLS settings: {0}")]
    Tls(#[from] rustls::Error),
}

/// Serves until `end`. It comes up with the first certificate: conversion at once, as what is there can be known only with it;
/// admission when that is known.
pub async fn run(setup: Setup, end: CancellationToken) -> Result<(), WebhookError> {
    let Setup { client, namespace, certificates, http2, tls, views, options, health } = setup;
    let listener = listen().await?;
    let shown = Certificates::empty();
    let server = tls.server(Arc::clone(&shown), http2)?;
    let (fresh, asked) = Fresh::new();
    let lists =
        Lists { client: client.clone(), namespace: Arc::clone(&namespace), views: views.clone(), asked };
    let keeper =
        Keeper { client: client.clone(), namespace, source: certificates, shown: Arc::clone(&shown), health };
    let judge = Arc::new(Judge::new(views, fresh, options));
    let router = router(Arc::clone(&judge));
    info!(event = "WebhooksServed", port = PORT);
    let serving = https::serve(listener, router, server, limits(), end.clone().cancelled_owned());
    tokio::select! {
        () = serving => {}
        // These end only with the server.
        () = certificates::keep(keeper) => {}
        () = judge.follow() => {}
        () = lists.run() => {}
        () = migrate::run(client) => {}
    }
    Ok(())
}

async fn listen() -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)).await {
        Ok(listener) => Ok(listener),
        // A machine without IPv6.
        Err(_) => TcpListener::bind(("0.0.0.0", PORT)).await,
    }
}

/// An API server gives up after 10 s, by default; an object has 3 MiB at most, and comes with the one that it replaces.
fn limits() -> Limits {
    Limits { request: Duration::from_secs(10), ..Limits::default() }
}

fn router(judge: Arc<Judge>) -> Router {
    let reviews =
        VALIDATE.iter().fold(Router::new(), |router, path| router.route(path, post(reviews::answer)));
    let healthy = get(|| async { axum::Json(serde_json::json!({ "status": "ok" })) });
    reviews.with_state(judge).route("/convert", post(convert::answer)).route("/healthz", healthy)
}
