//! Who asks, and whether they may: token and access reviews of the cluster's API.

use super::answer::Reply;
use http::StatusCode;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;

/// A yes holds for this long, so that a script of several questions asks the API once.
const REMEMBERED: Duration = Duration::from_secs(10);
/// So many are remembered at most.
const REMEMBERED_MOST: usize = 64;
/// The API has this long to answer.
const API: Duration = Duration::from_secs(5);

/// Why the cluster's API cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is none in reach.
    #[error(
        "--listen needs the cluster's API to know who may ask: {0}; give --kubeconfig FILE outside of a cluster"
    )]
    NotInCluster(#[from] kube::config::InClusterError),
    /// The kubeconfig cannot be used.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// No client can be made of it.
    #[error("client of the cluster's API: {0}")]
    Client(#[from] kube::Error),
}

/// The guard of the endpoint. No `Debug`: it holds tokens.
pub struct Guard {
    client: Client,
    remembered: Mutex<HashMap<(String, &'static str), Instant>>,
}

impl Guard {
    /// Asks the API of the kubeconfig, or of the cluster that this runs in.
    pub async fn new(kubeconfig: Option<&Path>) -> Result<Self, AccessError> {
        let mut config = match kubeconfig {
            Some(file) => {
                let options = KubeConfigOptions::default();
                Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?
            }
            None => Config::incluster()?,
        };
        config.connect_timeout = Some(API);
        config.read_timeout = Some(API);
        // Who asks can ask again; a server that is away is said at once.
        config.default_retry = false;
        Ok(Self { client: Client::try_from(config)?, remembered: Mutex::default() })
    }

    /// Lets who shows this `Authorization` header get a path, or says why not.
    pub async fn check(&self, authorization: Option<&str>, path: &'static str) -> Result<(), Reply> {
        let Some(token) = authorization.and_then(bearer) else {
            return Err(Reply::error(StatusCode::UNAUTHORIZED, "a bearer token is needed"));
        };
        if self.remembers(token, path) {
            return Ok(());
        }
        let user = self.user(token).await?;
        self.may_get(user, path).await?;
        self.remember(token, path);
        Ok(())
    }

    async fn user(&self, token: &str) -> Result<UserInfo, Reply> {
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
            None => Err(Reply::error(StatusCode::UNAUTHORIZED, "the cluster does not know this token")),
        }
    }

    async fn may_get(&self, user: UserInfo, path: &'static str) -> Result<(), Reply> {
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
        Err(Reply::error(StatusCode::FORBIDDEN, &text))
    }

    fn remembers(&self, token: &str, path: &'static str) -> bool {
        let now = Instant::now();
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, until| *until > now);
        remembered.contains_key(&(token.to_owned(), path))
    }

    fn remember(&self, token: &str, path: &'static str) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() < REMEMBERED_MOST {
            remembered.insert((token.to_owned(), path), Instant::now() + REMEMBERED);
        }
    }
}

/// The token of an `Authorization` header (RFC 6750, 2.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The API did not answer: nobody is let in.
fn away(why: &kube::Error) -> Reply {
    let said = match why {
        kube::Error::Api(status) if status.code == 403 => {
            format!("{}; bind the ClusterRole system:auth-delegator to the agent", status.message)
        }
        other => other.to_string(),
    };
    warn!(event = "ReviewFailed", error = said, "nobody is let in while the cluster's API cannot be asked");
    let text = format!("the cluster's API cannot be asked who this is: {said}");
    Reply::error(StatusCode::SERVICE_UNAVAILABLE, &text)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn only_bearer_tokens_count() {
        assert_eq!(bearer("Bearer abc.def"), Some("abc.def"));
        assert_eq!(bearer("bearer  abc"), Some("abc"));
        assert_eq!((bearer("Bearer "), bearer("Basic abc"), bearer("abc")), (None, None, None));
    }
}
