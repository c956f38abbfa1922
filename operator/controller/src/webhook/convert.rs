//! `ConversionReview` (`apiextensions.k8s.io`), question and answer. Needs nothing but the objects themselves.

use super::reviews::unreadable;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use herald_crds::metallb::convert;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

/// Both have the same fields. The CRD lists `v1beta1`, as upstream's does, so that is what API servers send.
const VERSIONS: [&str; 2] = ["apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1"];

/// The question.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    api_version: String,
    kind: String,
    request: Option<Question>,
}

#[derive(Deserialize)]
struct Question {
    uid: String,
    #[serde(rename = "desiredAPIVersion")]
    desired: String,
    objects: Vec<Value>,
}

/// Converts all objects, or none.
pub async fn answer(review: Result<Json<Review>, JsonRejection>) -> Response {
    let Json(review) = match review {
        Ok(review) => review,
        Err(rejection) => return unreadable(&rejection),
    };
    let Review { api_version, kind, request: Some(Question { uid, desired, objects }) } = review else {
        return (StatusCode::BAD_REQUEST, "the ConversionReview has no request\n").into_response();
    };
    if !VERSIONS.contains(&api_version.as_str()) || kind != "ConversionReview" {
        return (StatusCode::BAD_REQUEST, "not a ConversionReview of apiextensions.k8s.io\n").into_response();
    }
    let converted: Result<Vec<Value>, _> =
        objects.into_iter().map(|object| convert(object, &desired)).collect();
    let response = match converted {
        Ok(objects) => json!({ "uid": uid, "convertedObjects": objects, "result": { "status": "Success" } }),
        Err(why) => {
            warn!(event = "NotConverted", desired, error = %why);
            json!({ "uid": uid, "result": { "status": "Failure", "message": why.to_string() } })
        }
    };
    Json(json!({ "apiVersion": api_version, "kind": kind, "response": response })).into_response()
}
