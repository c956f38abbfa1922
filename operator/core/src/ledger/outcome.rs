//! What became of a Service: its addresses or the reason why not, and what to tell its owner.

use super::error::{AllocationError, list};
use crate::model::{FamilyError, PoolName, RequestError};
use crate::problem::Reason;
use std::fmt;
use std::net::IpAddr;

/// The addresses of a Service, all of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The pool.
    pub pool: PoolName,
    /// One address, or one of each family, in the order of the Service's status.
    pub ips: Vec<IpAddr>,
}

/// What became of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its addresses, or why it has none.
    pub result: Result<Allocation, AllocationError>,
    /// Whether its status says something else and has to be written.
    pub changed: bool,
    /// What to tell its owner, in order.
    pub events: Vec<Event>,
}

impl Outcome {
    /// Its addresses, if it has any.
    #[must_use]
    pub fn allocation(&self) -> Option<&Allocation> {
        self.result.as_ref().ok()
    }

    /// Why it has none.
    #[must_use]
    pub fn error(&self) -> Option<&AllocationError> {
        self.result.as_ref().err()
    }
}

/// Something that its owner should know: a Kubernetes Event on the Service.
///
/// The `Display` is the Event's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It got addresses.
    IpAllocated(Vec<IpAddr>),
    /// It got an address of its second family.
    AdditionalIpAllocated(IpAddr),
    /// It loses what it had.
    ClearAssignment(AllocationError),
    /// It gets no address of its second family from its pool.
    AdditionalAssignFailed(AllocationError),
    /// It gets nothing.
    AllocationFailed(AllocationError),
    /// It asks for something senseless and keeps what it has.
    LoadBalancerFailed(RequestError),
    /// It requires both families and has one cluster address.
    NotEnoughClusterIps,
    /// The families in its status cannot be told.
    NoLoadBalancerFamily(Vec<IpAddr>),
    /// The families of its cluster addresses cannot be told.
    NoClusterFamily(FamilyError),
}

impl Event {
    /// The Event's reason, MetalLB's names.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::IpAllocated(_) | Self::AdditionalIpAllocated(_) => "IPAllocated",
            Self::ClearAssignment(_) => "ClearAssignment",
            Self::AdditionalAssignFailed(_) => "AdditionalAssignFailed",
            Self::AllocationFailed(_) => "AllocationFailed",
            Self::LoadBalancerFailed(_) => "LoadBalancerFailed",
            Self::NotEnoughClusterIps => "not enough clusterips",
            Self::NoLoadBalancerFamily(_) => "nolbIPsIPFamily",
            Self::NoClusterFamily(_) => "noclusterIPsIPFamily",
        }
    }

    /// Whether it is a Warning; else it is Normal.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !matches!(
            self,
            Self::IpAllocated(_)
                | Self::AdditionalIpAllocated(_)
                | Self::ClearAssignment(_)
                | Self::AdditionalAssignFailed(_)
        )
    }

    /// The Event that goes with an error that leaves a Service without address.
    pub(super) fn of_failure(error: &AllocationError) -> Self {
        match error {
            AllocationError::Families(FamilyError::NotDual) => Self::NotEnoughClusterIps,
            AllocationError::Families(why) => Self::NoClusterFamily(why.clone()),
            other => Self::AllocationFailed(other.clone()),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IpAllocated(ips) => write!(f, "assigned IP {}", list(ips)),
            Self::AdditionalIpAllocated(ip) => write!(f, "assigned additional IP {ip}"),
            Self::ClearAssignment(why) => {
                write!(
                    f,
                    "the current IP is no longer allowed, a new one is looked for: {why} ({})",
                    why.reason()
                )
            }
            Self::AdditionalAssignFailed(why) => {
                write!(f, "cannot assign an additional IP for PreferDualStack: {why}")
            }
            Self::AllocationFailed(why) => write!(f, "failed to allocate an IP: {why} ({})", why.reason()),
            Self::LoadBalancerFailed(why) => write!(f, "invalid requested loadbalancer IPs: {why}"),
            Self::NotEnoughClusterIps => {
                f.write_str("the Service requires dual stack but has only one cluster address")
            }
            Self::NoLoadBalancerFamily(ips) => {
                write!(f, "the IP families of {} in the status cannot be told", list(ips))
            }
            Self::NoClusterFamily(why) => write!(f, "the Service's IP families cannot be told: {why}"),
        }
    }
}
