//! Where a session's password comes from.

use super::kind::{Context, Resolved, Sink};
use super::peer_error::PeerError;
use crate::problem::{FieldPath, ObjectRef};
use crate::snapshot::Secret;
use herald_crds::metallb::BGPPeerSpec;
use herald_frr::value::Password;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The only type of Secret that is read.
const SECRET_TYPE: &str = "kubernetes.io/basic-auth";
/// The key of [`Resolved`] under which a Secret's password is kept.
const RESOLVED: &str = "password";

/// Secrets by namespace and name.
pub(crate) struct Secrets<'a> {
    by_name: BTreeMap<(&'a str, &'a str), &'a Secret>,
    allow_missing: bool,
}

impl<'a> Secrets<'a> {
    /// `allow_missing`: a session whose Secret is not there goes without a password.
    pub fn new(secrets: &'a [Secret], allow_missing: bool) -> Self {
        let name = |secret: &'a Secret| (&*secret.object.namespace, &*secret.object.name);
        Self { by_name: secrets.iter().map(|secret| (name(secret), secret)).collect(), allow_missing }
    }
}

/// The password of a peer: its own, its Secret's, or the one that its Secret held when the peer was
/// accepted. The Secret is looked up by name in the peer's namespace, as MetalLB does.
pub(crate) fn password(
    object: &ObjectRef,
    spec: &BGPPeerSpec,
    context: &Context<'_>,
    secrets: &Secrets<'_>,
    resolved: &mut Resolved,
    sink: &mut Sink<'_>,
) -> Option<Password> {
    let own = spec.password.as_deref().filter(|text| !text.is_empty());
    let reference = spec.password_secret.as_ref().and_then(|secret| secret.name.as_deref());
    let reference = reference.filter(|name| !name.is_empty());
    let path = FieldPath::of("spec.passwordSecret");
    match (own, reference) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            let (namespace, name) = (object.namespace.to_string(), object.name.to_string());
            sink.error(path, &PeerError::TwoPasswords { namespace, name });
            None
        }
        (Some(text), None) => {
            sink.take(&FieldPath::of("spec.password"), text.parse().map_err(PeerError::Password))
        }
        (None, Some(name)) => {
            let found = read(object, name, secrets).transpose();
            let before = || context.resolved.get(RESOLVED).and_then(|text| text.parse().ok());
            let password: Password = match (found, before()) {
                (Some(Ok(password)), _) | (Some(Err(_)) | None, Some(password)) => password,
                (Some(Err(why)), None) => {
                    sink.error(path, &why);
                    return None;
                }
                (None, None) => return None,
            };
            resolved.insert(RESOLVED.to_owned(), password.expose().to_owned());
            Some(password)
        }
    }
}

/// `None` where the Secret is missing and may be.
fn read(object: &ObjectRef, secret: &str, secrets: &Secrets<'_>) -> Result<Option<Password>, PeerError> {
    let (namespace, name) = (object.namespace.to_string(), object.name.to_string());
    let Some(found) = secrets.by_name.get(&(&*object.namespace, secret)) else {
        let secret = secret.to_owned();
        return if secrets.allow_missing {
            Ok(None)
        } else {
            Err(PeerError::NoSecret { namespace, name, secret })
        };
    };
    let secret = secret.to_owned();
    if &*found.secret_type != SECRET_TYPE {
        return Err(PeerError::SecretType { namespace, name, secret });
    }
    let Some(bytes) = &found.password else {
        return Err(PeerError::SecretWithoutPassword { namespace, name, secret });
    };
    let text: Arc<str> = String::from_utf8_lossy(bytes).into();
    text.parse().map(Some).map_err(PeerError::Password)
}
