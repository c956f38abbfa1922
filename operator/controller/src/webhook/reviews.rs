//! `AdmissionReview` (`admission.k8s.io/v1`), question and answer.

use super::judge::Judge;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use herald_core::admission::{Operation, Request, Verdict};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::{debug, info};

const VERSION: &str = "admission.k8s.io/v1";

/// The question, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    api_version: String,
    kind: String,
    request: Option<Question>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    uid: String,
    kind: Gvk,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    operation: String,
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    old_object: Option<Value>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
struct Gvk {
    group: String,
    kind: String,
}

/// Answers a review.
pub async fn answer(
    State(judge): State<Arc<Judge>>,
    review: Result<Json<Review>, JsonRejection>,
) -> Response {
    let Json(review) = match review {
        Ok(review) => review,
        Err(rejection) => return unreadable(&rejection),
    };
    if review.api_version != VERSION || review.kind != "AdmissionReview" {
        return (StatusCode::BAD_REQUEST, format!("not an AdmissionReview of {VERSION}\n")).into_response();
    }
    let Some(question) = review.request else {
        return (StatusCode::BAD_REQUEST, "the AdmissionReview has no request\n").into_response();
    };
    match judge.review(&request(&question)).await {
        Some(verdict) => Json(response(&question, &verdict)).into_response(),
        // No answer: the API server does what failurePolicy says.
        None => (StatusCode::SERVICE_UNAVAILABLE, "the objects of the cluster are not known yet\n")
            .into_response(),
    }
}

/// What was sent cannot be read. Nothing of it is repeated: it may hold a password.
pub fn unreadable(rejection: &JsonRejection) -> Response {
    let why = match rejection {
        JsonRejection::MissingJsonContentType(_) => "Content-Type must be application/json\n",
        JsonRejection::JsonSyntaxError(_) => "the body is not JSON\n",
        JsonRejection::JsonDataError(_) => "the body is no review\n",
        _ => "the body cannot be read, or is too large\n",
    };
    (rejection.status(), why).into_response()
}

fn request(question: &Question) -> Request<'_> {
    let operation = match question.operation.as_str() {
        "CREATE" => Operation::Create,
        "UPDATE" => Operation::Update,
        "DELETE" => Operation::Delete,
        _ => Operation::Connect,
    };
    // A kind of that name in a group of somebody else is not ours.
    let ours = ["metallb.io", "frrk8s.metallb.io"].contains(&question.kind.group.as_str());
    Request {
        operation,
        kind: if ours { &question.kind.kind } else { "" },
        namespace: &question.namespace,
        name: &question.name,
        object: question.object.as_ref(),
        old: question.old_object.as_ref(),
        dry_run: question.dry_run,
    }
}

fn response(question: &Question, verdict: &Verdict) -> Value {
    let Question { uid, kind, namespace, name, operation, .. } = question;
    let mut response = json!({ "uid": uid, "allowed": verdict.allowed() });
    if verdict.allowed() {
        debug!(event = "Admitted", kind = kind.kind, namespace, name, operation);
    } else {
        let reasons: Vec<&str> = verdict.errors.iter().map(|problem| problem.reason).collect();
        info!(event = "Refused", kind = kind.kind, namespace, name, operation, reasons = reasons.join(","));
        response["status"] = json!({ "code": 403, "reason": "Forbidden", "message": verdict.message() });
    }
    if !verdict.warnings.is_empty() {
        response["warnings"] = json!(verdict.warnings);
    }
    json!({ "apiVersion": VERSION, "kind": "AdmissionReview", "response": response })
}
