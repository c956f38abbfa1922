//! What is wrong with the wishes of a Service.

use crate::problem::Reason;
use std::sync::Arc;

/// Why the families of a Service cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FamilyError {
    /// `clusterIPs` is `None`: a headless Service has no load balancer.
    #[error("a headless Service cannot have a load balancer address")]
    Headless,
    /// An address that is none.
    #[error("clusterIP {0:?} is not an IP address")]
    Address(Arc<str>),
    /// More than two, or two of one family.
    #[error("clusterIPs must be one address, or one of each family")]
    Count,
    /// `RequireDualStack` without both.
    #[error("ipFamilyPolicy is RequireDualStack, but the Service has only one cluster address")]
    NotDual,
}

/// Why a Service's request for addresses cannot be met by any pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not an address.
    #[error("{0:?} is not an IP address")]
    Address(Arc<str>),
    /// Both ways of asking at once.
    #[error("annotation metallb.io/loadBalancerIPs and spec.loadBalancerIP are mutually exclusive")]
    Both,
    /// The wrong families.
    #[error("{0} does not match the ipFamily of the service")]
    Family(Arc<str>),
}

/// What else a Service's object says that has no effect, or not the meant one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceWarning {
    /// An annotation of MetalLB before 0.15.
    #[error("annotation {key} is deprecated, write metallb.io/{suffix}{ignored}")]
    DeprecatedAnnotation {
        /// The annotation.
        key: &'static str,
        /// What comes behind the new prefix.
        suffix: &'static str,
        /// In words: that the new one is there too and wins.
        ignored: &'static str,
    },
    /// `status.loadBalancer.ingress` holds something that is no address.
    #[error("{0:?} in the status is not an IP address and is ignored")]
    StatusAddress(Arc<str>),
    /// Another controller's Service.
    #[error("loadBalancerClass is {0:?}: the Service is left to the controller of that class")]
    OtherClass(Arc<str>),
    /// `spec.ipFamilyPolicy` that Kubernetes does not have.
    #[error("ipFamilyPolicy {0:?} does not exist, SingleStack is assumed")]
    FamilyPolicy(Arc<str>),
}

impl Reason for FamilyError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Headless => "HeadlessService",
            Self::Address(_) => "InvalidClusterIP",
            Self::Count | Self::NotDual => "ClusterIPFamilies",
        }
    }
}

impl Reason for RequestError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Address(_) => "InvalidRequestedAddress",
            Self::Both => "ConflictingRequestedAddresses",
            Self::Family(_) => "RequestedFamilyMismatch",
        }
    }
}

impl Reason for ServiceWarning {
    fn reason(&self) -> &'static str {
        match self {
            Self::DeprecatedAnnotation { .. } => "DeprecatedAnnotation",
            Self::StatusAddress(_) => "InvalidStatusAddress",
            Self::OtherClass(_) => "OtherLoadBalancerClass",
            Self::FamilyPolicy(_) => "UnknownFamilyPolicy",
        }
    }
}
