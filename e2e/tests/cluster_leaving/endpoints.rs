//! Pods that come and go.

use crate::Shop;
use anyhow::{Result, ensure};
use std::thread::sleep;
use std::time::Duration;

/// kube-proxy said 200 on the health port before: nobody had to be announced without that.
pub fn first_is_served_when_it_is_announced(shop: &mut Shop) -> Result<()> {
    shop.cluster.wait_answers(&shop.address, &["web-1", "web-2"])?;
    let pod = shop.cluster.pod("web-3", "web", 3)?;
    shop.served(|| shop.cluster.wait_routes(&shop.prefix, &[1, 2, 3]))?;
    shop.cluster.set_ready(&pod, false)?;
    shop.cluster.wait_routes(&shop.prefix, &[1, 2])?;
    shop.cluster.remove_pod(pod)?;
    for number in 1..=3 {
        let log = shop.cluster.node_mut(number).agent()?.log();
        ensure!(!log.contains("KubeProxyNotReady"), "{log}");
    }
    Ok(())
}

/// It goes on serving, but another node has a ready one.
pub fn terminating_takes_the_route_along(shop: &mut Shop) -> Result<()> {
    let first = shop.pods.remove(0);
    shop.served(|| {
        shop.cluster.terminate(&first)?;
        shop.cluster.wait_routes(&shop.prefix, &[2])
    })?;
    // The last one keeps its route while it serves, and the first one has its route again.
    let last = shop.pods.remove(0);
    shop.served(|| {
        shop.cluster.terminate(&last)?;
        shop.cluster.wait_routes(&shop.prefix, &[1, 2])?;
        sleep(Duration::from_secs(1));
        shop.cluster.wait_routes(&shop.prefix, &[1, 2])
    })?;
    shop.pods = vec![shop.cluster.pod("web-4", "web", 1)?, shop.cluster.pod("web-5", "web", 2)?];
    shop.cluster.remove_pod(first)?;
    shop.cluster.remove_pod(last)?;
    shop.cluster.wait_routes(&shop.prefix, &[1, 2])?;
    shop.cluster.wait_answers(&shop.address, &["web-4", "web-5"])
}
