//! Who asks, and whether they may: token and access reviews of the cluster's API.

use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::warn;

/// A yes holds for this long: several questions in a row ask the API once.
const YES: Duration = Duration::from_secs(10);
/// A no holds for this long, so that a wrong token in a loop does not load the API.
const NO: Duration = Duration::from_secs(2);
/// So many answers are remembered at most.
const MOST: usize = 256;
/// The API has this long to answer both reviews.
const API: Duration = Duration::from_secs(5);
/// No token of a cluster is longer.
const TOKEN: usize = 16 << 10;

/// Why somebody is not let in. As a response it is that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 401, 403, or 503 when the API cannot be asked.
    pub status: StatusCode,
    /// The reason in words, with what to do.
    pub text: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, format!("{}\n", self.text)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Lets in whom the cluster's API lets. No `Debug`: it holds tokens.
pub struct Guard {
    client: Client,
    remembered: Mutex<HashMap<(String, &'static str), Remembered>>,
}

struct Remembered {
    until: Instant,
    answer: Result<(), Refusal>,
}

impl Guard {
    /// Asks by this client, which needs the right to create `tokenreviews` and `subjectaccessreviews`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, remembered: Mutex::default() }
    }

    /// Lets who shows these headers get a path (RBAC: `nonResourceURLs`, verb `get`), or says why not.
    pub async fn check(&self, headers: &HeaderMap, path: &'static str) -> Result<(), Refusal> {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = authorization.and_then(bearer) else {
            return Err(refusal(StatusCode::UNAUTHORIZED, "a bearer token is needed"));
        };
        if let Some(answer) = self.remembers(token, path) {
            return answer;
        }
        let answer = timeout(API, self.ask(token, path)).await.unwrap_or_else(|_| {
            Err(refusal(StatusCode::SERVICE_UNAVAILABLE, "the cluster's API does not answer who this is"))
        });
        self.remember(token, path, &answer);
        answer
    }

    async fn ask(&self, token: &str, path: &'static str) -> Result<(), Refusal> {
        let user = self.user(token).await?;
        self.may_get(user, path).await
    }

    async fn user(&self, token: &str) -> Result<UserInfo, Refusal> {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences: None },
            ..TokenReview::default()
        };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let review = api.create(&PostParams::default(), &review).await.map_err(|why| away(&why))?;
        let status = review.status.unwrap_or_default();
        match status.user.filter(|_| status.authenticated == Some(true)) {
            Some(user) => Ok(user),
            // The API's own words may repeat parts of the token.
            None => Err(refusal(StatusCode::UNAUTHORIZED, "the cluster does not know this token")),
        }
    }

    async fn may_get(&self, user: UserInfo, path: &'static str) -> Result<(), Refusal> {
        let name = user.username.clone().unwrap_or_default();
        let attributes = NonResourceAttributes { path: Some(path.to_owned()), verb: Some("get".to_owned()) };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                non_resource_attributes: Some(attributes),
                user: user.username,
                uid: user.uid,
                groups: user.groups,
                extra: user.extra,
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let review = api.create(&PostParams::default(), &review).await.map_err(|why| away(&why))?;
        if review.status.is_some_and(|status| status.allowed && status.denied != Some(true)) {
            return Ok(());
        }
        let text = format!(
            "{name} may not get {path}; a ClusterRole grants it by nonResourceURLs: [\"{path}\"], verbs: [get]"
        );
        Err(refusal(StatusCode::FORBIDDEN, &text))
    }

    fn remembers(&self, token: &str, path: &'static str) -> Option<Result<(), Refusal>> {
        let now = Instant::now();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, answer| answer.until > now);
        Some(remembered.get(&(token.to_owned(), path))?.answer.clone())
    }

    fn remember(&self, token: &str, path: &'static str, answer: &Result<(), Refusal>) {
        let holds = match answer {
            Ok(()) => YES,
            // Who asks again should find the API back as soon as it is.
            Err(refusal) if refusal.status == StatusCode::SERVICE_UNAVAILABLE => return,
            Err(_) => NO,
        };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() < MOST {
            let answer = Remembered { until: Instant::now() + holds, answer: answer.clone() };
            remembered.insert((token.to_owned(), path), answer);
        }
    }
}

fn refusal(status: StatusCode, text: &str) -> Refusal {
    Refusal { status, text: text.to_owned() }
}

/// The token of an `Authorization` header (RFC 6750, 2.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    let right = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN;
    right.then_some(token)
}

/// The API did not answer: nobody is let in.
fn away(why: &kube::Error) -> Refusal {
    let said = match why {
        kube::Error::Api(status) if status.code == 403 => {
            format!("{}; the ClusterRole system:auth-delegator grants it", status.message)
        }
        other => other.to_string(),
    };
    warn!(event = "ReviewFailed", error = said, "nobody is let in while the cluster's API cannot be asked");
    refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        &format!("the cluster's API cannot be asked who this is: {said}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_count() {
        assert_eq!(bearer("Bearer abc.def"), Some("abc.def"));
        assert_eq!(bearer("bearer  abc"), Some("abc"));
        assert_eq!((bearer("Bearer "), bearer("Basic abc"), bearer("abc")), (None, None, None));
        assert_eq!(bearer(&format!("Bearer {}", "x".repeat(TOKEN + 1))), None);
    }

    #[tokio::test]
    async fn without_an_api_nobody_is_let_in() {
        // A port that nothing listens on.
        let mut config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
        config.default_retry = false;
        let guard = Guard::new(Client::try_from(config).unwrap());
        let mut headers = HeaderMap::new();
        let refused = guard.check(&headers, "/metrics").await.unwrap_err();
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.into_response().headers()[WWW_AUTHENTICATE], "Bearer");
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer s3cret.t0ken"));
        let refused = guard.check(&headers, "/metrics").await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!refused.text.contains("s3cret"), "{}", refused.text);
        assert!(guard.remembers("s3cret.t0ken", "/metrics").is_none(), "it is asked again");
    }

    #[tokio::test]
    async fn a_no_is_remembered_too_and_for_its_path_only() {
        let config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
        let guard = Guard::new(Client::try_from(config).unwrap());
        let no = Err(refusal(StatusCode::FORBIDDEN, "no"));
        guard.remember("a", "/metrics", &no);
        guard.remember("b", "/metrics", &Ok(()));
        assert_eq!(guard.remembers("a", "/metrics"), Some(no));
        assert_eq!(guard.remembers("b", "/metrics"), Some(Ok(())));
        assert_eq!(guard.remembers("b", "/history"), None);
        for number in 0..2 * MOST {
            guard.remember(&number.to_string(), "/metrics", &Ok(()));
        }
        assert!(guard.remembered.lock().unwrap().len() <= MOST);
    }
}
