//! What the conditions of a Service say.

use super::shown::Verdict;
use crate::ledger::{Allocation, AllocationError, Event};
use crate::plan::{Announcement, Missing};
use crate::problem::Reason;
use std::fmt::Write as _;
use std::net::IpAddr;

/// It has its addresses.
pub(super) const HAS_ADDRESS: &str = "Allocated";
/// It keeps its addresses, although its pool is refused or cannot be read.
pub(super) const KEPT: &str = "PoolNotInForce";
/// A new leader looks at it before it gives anything out.
pub(super) const LEADER_CHANGED: &str = "LeaderChanged";
/// It has its addresses, and the next write gives it others.
pub(super) const ABOUT_TO_MOVE: &str = "AboutToMove";
/// It is announced.
pub(super) const PLANNED: &str = "Planned";
/// There is nothing to be announced.
pub(super) const NO_ADDRESS: &str = "NoAddress";

/// `LoadBalancerAddressAllocated`, from what became of the Service.
pub(super) fn allocated(result: &Result<Allocation, AllocationError>, events: &[Event]) -> Verdict {
    match result {
        Ok(allocation) => {
            let ips: Vec<String> = allocation.ips.iter().map(ToString::to_string).collect();
            let mut message = format!("{} of IPAddressPool {}", ips.join(" and "), allocation.pool);
            // What the Service does without is said here, too: an Event is soon gone.
            for event in events {
                if matches!(event, Event::AdditionalAssignFailed(_) | Event::LoadBalancerFailed(_)) {
                    // Writing to a String cannot fail.
                    let _ = write!(message, "; {event}");
                }
            }
            Verdict::new(true, HAS_ADDRESS, message)
        }
        Err(why) => Verdict::new(false, why.reason(), with_advice(why)),
    }
}

/// `LoadBalancerAddressAllocated` of a Service that keeps what it has.
pub(super) fn kept(pool: &str) -> Verdict {
    let message = format!(
        "it keeps its addresses although IPAddressPool {pool} is refused or cannot be read: ConfigurationState \
         controller says why"
    );
    Verdict::new(true, KEPT, message)
}

/// `LoadBalancerAddressAllocated` while a new leader looks around. The resourceVersion makes it differ from
/// whatever is there, so that the write changes the object.
pub(super) fn leader_changed(status: bool, resource_version: &str) -> Verdict {
    let message =
        format!("a new leader decides about it next (it was at resourceVersion {resource_version})");
    Verdict::new(status, LEADER_CHANGED, message)
}

/// `LoadBalancerAddressAllocated` of a Service that is about to get other addresses, which tells a new leader that a write
/// that gives them may be on its way.
pub(super) fn about_to_move(status: bool, ips: &[IpAddr]) -> Verdict {
    let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
    Verdict::new(status, ABOUT_TO_MOVE, format!("it gets {} in place of what it has", ips.join(" and ")))
}

/// `LoadBalancerAdvertised`.
pub(super) fn advertised(announced: Option<Result<Announcement, Missing>>) -> Verdict {
    match announced {
        None => Verdict::new(
            false,
            NO_ADDRESS,
            "it has no address to announce: condition LoadBalancerAddressAllocated says why",
        ),
        Some(Err(missing)) => Verdict::new(false, missing.reason(), missing.to_string()),
        Some(Ok(Announcement { bgp, l2, .. })) => {
            let mut ways = Vec::new();
            if !bgp.is_empty() {
                ways.push(format!("over BGP by {bgp}"));
            }
            if !l2.is_empty() {
                ways.push(format!("on layer 2 by {l2}"));
            }
            Verdict::new(true, PLANNED, format!("to be announced {}", ways.join(" and ")))
        }
    }
}

/// The reason in words, and what to do where the words do not say it already.
fn with_advice(why: &AllocationError) -> String {
    let advice = match why {
        AllocationError::NoAvailableIps { .. } => {
            "extend spec.addresses of a pool that it may use, add a pool, or delete a Service that is not needed"
        }
        AllocationError::RequestPool { .. } | AllocationError::SeveralPools { .. } => {
            "change annotation metallb.io/loadBalancerIPs or metallb.io/address-pool"
        }
        AllocationError::PoolNotAllowed { .. } => {
            "ask for another pool, or change spec.serviceAllocation of this one"
        }
        AllocationError::NotInPool(_) | AllocationError::Avoided { .. } => {
            "ask for another address, or change the pools"
        }
        AllocationError::Request(_) => "correct what the Service asks for",
        AllocationError::Families(_) => "correct clusterIPs, ipFamilies or ipFamilyPolicy of the Service",
        _ => return why.to_string(),
    };
    format!("{why}: {advice}")
}
