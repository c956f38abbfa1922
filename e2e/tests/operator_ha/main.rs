//! Two replicas of the operator on a real API server: one gives out addresses, and the other goes on where it stopped.

mod cluster;
mod failover;
mod holders;
mod random;
mod restart;
mod weather;

use anyhow::Result;

#[test]
fn another_replica_goes_on() -> Result<()> {
    failover::killed()
}

#[test]
fn no_address_is_ever_held_twice() -> Result<()> {
    random::operations()
}

#[test]
fn a_restart_writes_no_service() -> Result<()> {
    restart::with_thousands_of_services()
}
