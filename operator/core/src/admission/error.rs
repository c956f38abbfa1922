//! What only an admission can find wrong.

use crate::problem::Reason;

/// Why a request is refused, beside what is wrong with the configuration that it would lead to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// Configuration of another namespace is not read.
    #[error("resource must be created in {0} namespace")]
    Namespace(String),
    /// Sessions refer to the profile.
    #[error("failed to delete BFDProfile {profile}, used by BGPPeer {peer}")]
    ProfileInUse {
        /// The profile's name.
        profile: String,
        /// The peer's name.
        peer: String,
    },
    /// The schema forbids it in v1beta2; v1beta1 has no such field and leads around that rule.
    #[error("EnableGracefulRestart cannot be changed after creation")]
    GracefulRestart,
}

impl Reason for AdmissionError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Namespace(_) => "WrongNamespace",
            Self::ProfileInUse { .. } => "BFDProfileInUse",
            Self::GracefulRestart => "ImmutableField",
        }
    }
}
