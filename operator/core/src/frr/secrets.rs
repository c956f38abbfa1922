//! Passwords from Secrets.

use crate::problem::{ObjectRef, Reason};
use crate::snapshot::{Secret, Snapshot};
use herald_frr::value::{Password, ValueError};
use std::collections::BTreeMap;

/// The only type of Secret that is read.
const SECRET_TYPE: &str = "kubernetes.io/basic-auth";

/// Why a Secret gives no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error("secret {0} not found")]
    NotFound(String),
    /// It is of another type.
    #[error("secret type mismatch on {0:?}, type \"{SECRET_TYPE}\" is expected")]
    Type(String),
    /// It has no key `password`.
    #[error("password field not specified in the secret {0:?}")]
    NoPassword(String),
    /// What it holds cannot be a password.
    #[error("password in the secret {name:?} {why}")]
    Password {
        /// The Secret.
        name: String,
        /// Why not.
        why: ValueError,
    },
}

impl Reason for SecretError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "SecretNotFound",
            Self::Type(_) => "InvalidSecretType",
            Self::NoPassword(_) => "SecretWithoutPassword",
            Self::Password { .. } => "InvalidPassword",
        }
    }
}

/// Where the password of a session is read.
pub trait PasswordSource {
    /// The password in a Secret of an object's namespace; `None` where there is none to be used.
    fn password(&self, object: &ObjectRef, secret: &str) -> Result<Option<Password>, SecretError>;
}

/// Secrets by namespace and name.
#[derive(Debug)]
pub struct Secrets<'a> {
    by_name: BTreeMap<(&'a str, &'a str), &'a Secret>,
    held: &'a BTreeMap<ObjectRef, BTreeMap<String, Password>>,
    allow_missing: bool,
}

impl<'a> Secrets<'a> {
    /// Those of a Snapshot. With `allow_missing` a session whose Secret is not there goes without a password.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, allow_missing: bool) -> Self {
        let name = |secret: &'a Secret| (&*secret.object.namespace, &*secret.object.name);
        let by_name = snapshot.secrets.iter().map(|secret| (name(secret), secret)).collect();
        Self { by_name, held: &snapshot.held_passwords, allow_missing }
    }
}

impl PasswordSource for Secrets<'_> {
    fn password(&self, object: &ObjectRef, secret: &str) -> Result<Option<Password>, SecretError> {
        self.held.get(object).map_or_else(|| self.now(object, secret), |held| Ok(held.get(secret).cloned()))
    }
}

impl Secrets<'_> {
    /// What the Secret holds now, also for an object that is held at a former form.
    pub fn now(&self, object: &ObjectRef, secret: &str) -> Result<Option<Password>, SecretError> {
        let name = || format!("{}/{secret}", object.namespace);
        let Some(found) = self.by_name.get(&(&*object.namespace, secret)) else {
            return if self.allow_missing { Ok(None) } else { Err(SecretError::NotFound(secret.to_owned())) };
        };
        if &*found.secret_type != SECRET_TYPE {
            return Err(SecretError::Type(name()));
        }
        let bytes = found.password.as_ref().ok_or_else(|| SecretError::NoPassword(name()))?;
        let text = String::from_utf8_lossy(bytes);
        // `echo pw | base64` leaves a line break that is no part of the password; FRR never saw it.
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|why| SecretError::Password { name: name(), why })
    }
}
