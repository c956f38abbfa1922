//! Nodes that are drained.

use crate::Shop;
use anyhow::{Result, ensure};
use herald_e2e::cluster::{LIMIT, Route, Router, name};
use herald_e2e::wait_for;

impl Shop {
    /// Whether the routers have node 2's route as the last choice: the community at both, the preference within the AS.
    fn is_last_choice(&self, router: Router) -> Result<bool> {
        let all = self.cluster.routes(router, &self.prefix)?;
        let of_two: Vec<&Route> = all.iter().filter(|route| route.node == 2).collect();
        ensure!(!of_two.is_empty(), "{all:?}");
        let marked = of_two.iter().all(|route| route.communities.contains("65535:0"));
        if router == Router::Frr {
            let last = of_two.iter().all(|route| route.local_pref == Some(0));
            ensure!(marked == last, "{all:?}");
        }
        Ok(marked)
    }
}

/// With the community and local preference 0 for the policy's time, then not at all, and after that as before.
pub fn cordoned_is_the_last_choice_then_withdraws(shop: &mut Shop) -> Result<()> {
    let two = name(2);
    shop.served(|| {
        shop.cluster.kube.run(&["cordon", &two])?;
        for router in [Router::Bird, Router::Frr] {
            wait_for(&format!("{router:?} has it as the last choice"), LIMIT, || {
                ensure!(shop.is_last_choice(router)?);
                Ok(())
            })?;
        }
        shop.cluster.wait_routes(&shop.prefix, &[1])
    })?;
    shop.served(|| {
        shop.cluster.kube.run(&["uncordon", &two])?;
        shop.cluster.wait_routes(&shop.prefix, &[1, 2])
    })?;
    for router in [Router::Bird, Router::Frr] {
        ensure!(!shop.is_last_choice(router)?);
    }
    Ok(())
}
