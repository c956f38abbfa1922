//! From sessions, advertisements and FRRConfigurations to the configuration of one node's FRR.

/// What one `FRRConfiguration` contributes, valid alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {}
