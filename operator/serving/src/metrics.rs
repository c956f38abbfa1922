//! The page `/metrics`, for those whom the cluster's API lets get it.

use crate::access::{Guard, Refusal};
use axum::Router;
use axum::routing::get;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, StatusCode};
use prometheus::{Registry, TextEncoder};
use std::fmt::Display;
use std::future::{Future, ready};
use std::sync::Arc;
use tracing::error;

const PATH: &str = "/metrics";
/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The page of what a registry holds. Whoever asks needs the right to get the path `/metrics`.
pub fn router(registry: Registry, guard: Arc<Guard>) -> Router {
    router_of(guard, move || ready(text(&registry)))
}

/// The page of what `gather` writes each time when it is asked for, in the text format.
pub fn router_of<F, T, E>(guard: Arc<Guard>, gather: F) -> Router
where
    F: Fn() -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Result<String, E>> + Send + 'static,
    E: Display,
{
    Router::new().route(
        PATH,
        get(move |headers: HeaderMap| {
            let (guard, gather) = (Arc::clone(&guard), gather.clone());
            async move {
                guard.check(&headers, PATH).await?;
                page(gather().await)
            }
        }),
    )
}

type Page = ([(HeaderName, &'static str); 1], String);

fn page(gathered: Result<String, impl Display>) -> Result<Page, Refusal> {
    match gathered {
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
