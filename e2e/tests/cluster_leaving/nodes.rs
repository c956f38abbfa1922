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

/// What stood in the API about a node that is gone for good goes with its FRRNodeState (which the operator deletes when FRR's
/// pod is gone, as the operator's own tests show), and what stands about others stays.
pub fn gone_takes_its_statuses_along(shop: &mut Shop) -> Result<()> {
    let statuses = |shop: &Shop, node: u8| {
        let of = |kind: &str, label: &str| {
            let selector = format!("{label}={}", name(node));
            let all = shop.cluster.kube.get(&["-n", "metallb-system", kind, "-l", &selector])?;
            Ok::<_, anyhow::Error>(all["items"].as_array().map(Vec::len).unwrap_or_default())
        };
        Ok::<_, anyhow::Error>((
            of("bgpsessionstates", "frrk8s.metallb.io/node")?,
            of("servicebgpstatuses", "metallb.io/node")?,
        ))
    };
    let known = |node| {
        wait_for(&format!("statuses of {}", name(node)), LIMIT, || {
            let (sessions, services) = statuses(shop, node)?;
            ensure!(sessions == 4 && services > 0, "{sessions} sessions, {services} Services");
            Ok((sessions, services))
        })
    };
    let (first, _) = (known(1)?, known(2)?);
    shop.cluster.node_mut(2).stop_agent()?;
    shop.cluster.kube.run(&["delete", "frrnodestate", &name(2)])?;
    wait_for("they are gone", LIMIT, || {
        let left = statuses(shop, 2)?;
        ensure!(left == (0, 0), "{left:?}");
        Ok(())
    })?;
    ensure!(statuses(shop, 1)? == first);
    Ok(())
}
