//! Pods that go, nodes that are cordoned, programs that are told to stop: what both routers have, and whether the client is
//! served all the while.

mod endpoints;
mod nodes;
mod restarts;

use anyhow::{Context, Result};
use herald_e2e::cluster::{LIMIT, Options, PEERS, Pod, Router, keep_connections};
use herald_e2e::{Cluster, Lab, Logged, wait_for};
use serde_json::{Value, json};
use std::thread::scope;
use std::time::Instant;

const POOL: &str = "
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: pool, namespace: metallb-system},
 spec: {addresses: [198.51.100.0/24, '2001:db8:100::/120']}}
---
{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, spec: {},
 metadata: {name: all, namespace: metallb-system, annotations: {herald.metallb.io/drain: 30s}}}
";

struct Shop {
    cluster: Cluster,
    address: String,
    prefix: String,
    pods: Vec<Pod>,
    _lab: Lab,
}

/// A Service of these families for the pods app=web.
fn service(name: &str, families: &[&str], policy: &str) -> Value {
    let dual = if families.len() > 1 { "RequireDualStack" } else { "SingleStack" };
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "selector": {"app": "web"},
            "ipFamilyPolicy": dual, "ipFamilies": families, "ports": [{"port": 80, "targetPort": 8080}]},
    })
}

impl Shop {
    fn start() -> Result<Self> {
        let lab = Lab::new()?;
        let cluster = Cluster::start(&lab, &Options::default())?;
        // A router that chooses a way for each packet loses connections when ways change, whoever announces (docs/draining.md).
        for router in [Router::Bird, Router::Frr] {
            keep_connections(cluster.machine(router))?;
        }
        wait_for("the configuration is admitted", LIMIT, || {
            cluster.kube.apply(&format!("{PEERS}---{POOL}"))
        })?;
        let pods = vec![cluster.pod("web-1", "web", 1)?, cluster.pod("web-2", "web", 2)?];
        let web = service("web", &["IPv4"], "Local").to_string();
        wait_for("the Service is taken", LIMIT, || cluster.kube.apply(&web))?;
        let address = cluster.wait_address("web", '.')?;
        let prefix = format!("{address}/32");
        cluster.wait_routes(&prefix, &[1, 2])?;
        Ok(Self { cluster, address, prefix, pods, _lab: lab })
    }

    /// The client asks without a pause while this happens, and every answer comes.
    fn served(&self, happens: impl FnOnce() -> Result<()> + Send) -> Result<()> {
        scope(|scope| {
            let happening = scope.spawn(happens);
            let mut asked = 0_u32;
            while !happening.is_finished() || asked < 10 {
                let page = self.cluster.page(Router::Bird, &self.address);
                page.with_context(|| format!("request {asked}")).logged(|| self.cluster.logs())?;
                asked += 1;
            }
            happening.join().map_err(|_| anyhow::anyhow!("it panicked"))?
        })
    }
}

type Part = (&'static str, fn(&mut Shop) -> Result<()>);

const PARTS: &[Part] = &[
    ("a first endpoint", endpoints::first_is_served_when_it_is_announced),
    ("terminating pods", endpoints::terminating_takes_the_route_along),
    ("a cordoned node", nodes::cordoned_is_the_last_choice_then_withdraws),
    ("agents that are told to stop", restarts::agents_leave_everything),
    ("B9 to B11: FRR is told to stop", restarts::frr_withdraws),
    ("B6 to B8: FRR is told to stop, with graceful restart", restarts::frr_comes_back_unnoticed),
    ("a node that is gone for good", nodes::gone_takes_its_statuses_along),
];

// One test, so that one cluster serves all of it.
#[test]
fn what_leaves_is_missed_by_nobody() -> Result<()> {
    let started = Instant::now();
    let mut shop = Shop::start()?;
    println!("the cluster: {:?}", started.elapsed());
    for (name, part) in PARTS {
        let started = Instant::now();
        part(&mut shop).context(*name).logged(|| shop.cluster.logs())?;
        println!("{name}: {:?}", started.elapsed());
    }
    Ok(())
}
