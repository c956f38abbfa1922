//! The page `/metrics`: what a registry holds, for those whom the cluster's API lets get it.

use crate::access::{Guard, Refusal};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, StatusCode};
use prometheus::{Registry, TextEncoder};
use std::sync::Arc;
use tracing::error;

const PATH: &str = "/metrics";
/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The page. Whoever asks needs the right to get the path `/metrics`.
pub fn router(registry: Registry, guard: Arc<Guard>) -> Router {
    Router::new().route(PATH, get(page)).with_state((registry, guard))
}

type Page = ([(HeaderName, &'static str); 1], String);

async fn page(
    State((registry, guard)): State<(Registry, Arc<Guard>)>,
    headers: HeaderMap,
) -> Result<Page, Refusal> {
    guard.check(&headers, PATH).await?;
    match text(&registry) {
        Ok(text) => Ok(([(CONTENT_TYPE, TEXT)], text)),
        Err(why) => {
            error!(event = "MetricsFailed", error = %why);
            let text = "the metrics cannot be written".to_owned();
            Err(Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, text })
        }
    }
}

/// Prometheus' text format of all that the registry holds; families and series are sorted.
pub fn text(registry: &Registry) -> Result<String, prometheus::Error> {
    TextEncoder::new().encode_to_string(&registry.gather())
}
