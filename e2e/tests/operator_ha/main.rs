//! Two replicas of the operator on a real API server: one gives out addresses, and the other goes on where it stopped.

mod cluster;
mod failover;

use anyhow::Result;

// One cluster after the other: two cores carry two API servers badly.
#[test]
fn another_replica_goes_on() -> Result<()> {
    failover::killed()
}
