//! Where a session's password comes from.

use super::frr_configurations::Remembering;
use super::kind::{Context, Resolved, Sink};
use super::peer_error::PeerError;
use crate::frr::{PasswordSource, SecretError};
use crate::problem::{FieldPath, ObjectRef};
use herald_crds::metallb::BGPPeerSpec;
use herald_frr::value::Password;
use std::cell::RefCell;

/// The password of a peer: its own, its Secret's, or the one that its Secret held when the peer was
/// accepted. The Secret is looked up by name in the peer's namespace, as MetalLB does.
pub(crate) fn password(
    object: &ObjectRef,
    spec: &BGPPeerSpec,
    context: &Context<'_>,
    secrets: &dyn PasswordSource,
    resolved: &mut Resolved,
    sink: &mut Sink<'_>,
) -> Option<Password> {
    let own = spec.password.as_deref().filter(|text| !text.is_empty());
    let reference = reference(spec);
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
        (None, Some(secret)) => {
            let remembering = Remembering { secrets, before: context.resolved, found: RefCell::default() };
            let found = remembering.password(object, secret).map_err(|why| in_words(object, secret, why));
            resolved.append(&mut remembering.found.into_inner());
            sink.take(&path, found).flatten()
        }
    }
}

/// The Secret that a peer names.
pub(crate) fn reference(spec: &BGPPeerSpec) -> Option<&str> {
    let reference = spec.password_secret.as_ref().and_then(|secret| secret.name.as_deref());
    reference.filter(|name| !name.is_empty())
}

/// In the words of MetalLB.
fn in_words(object: &ObjectRef, secret: &str, why: SecretError) -> PeerError {
    let (namespace, name) = (object.namespace.to_string(), object.name.to_string());
    let secret = secret.to_owned();
    match why {
        SecretError::NotFound(_) => PeerError::NoSecret { namespace, name, secret },
        SecretError::Type(_) => PeerError::SecretType { namespace, name, secret },
        SecretError::NoPassword(_) => PeerError::SecretWithoutPassword { namespace, name, secret },
        SecretError::Password { why, .. } => PeerError::Password(why),
    }
}
