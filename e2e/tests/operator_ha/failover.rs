//! The leader ends; how long it takes until the next Service has an address.

use crate::cluster::{LIMIT, address, leader_first, pool, replicas, service};
use anyhow::{Result, ensure};
use herald_e2e::{Kube, Lab, wait_for};
use std::time::{Duration, Instant};

/// SIGKILL: its Lease has to end first. SIGTERM: it is let go. Neither moves an address.
pub fn killed() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    let both = replicas(&lab, &kube)?;
    pool(&kube, "198.51.100.0/24")?;
    let mut both = leader_first(&kube, both)?;
    kube.apply(&service("before").to_string())?;
    let before = wait_for("the first Service has an address", LIMIT, || address(&kube, "before"))?;

    let killed = Instant::now();
    both[0].kill()?;
    kube.apply(&service("after-kill").to_string())?;
    wait_for("the next one too", LIMIT, || address(&kube, "after-kill"))?;
    let took = killed.elapsed();
    println!("SIGKILL of the leader to the next address: {took:?}");
    ensure!(took < Duration::from_secs(5), "{took:?}");

    both[0] = herald_e2e::Operator::start(&lab, &kube, "third", &[])?;
    wait_for("another replica is ready", LIMIT, || both[0].ready())?;
    let ended = Instant::now();
    both[1].stop()?;
    kube.apply(&service("after-end").to_string())?;
    wait_for("the one after it too", LIMIT, || address(&kube, "after-end"))?;
    let took = ended.elapsed();
    println!("SIGTERM of the leader to the next address: {took:?}");
    ensure!(took < Duration::from_secs(1), "{took:?}");
    ensure!(address(&kube, "before")? == before, "an address moved");
    Ok(())
}
