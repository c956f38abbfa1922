//! What routers and client see.

use super::api::{self, Request};
use super::routers::{self, Route};
use super::{Cluster, LIMIT};
use crate::Logged;
use crate::network::Namespace;
use crate::ports;
use crate::wait::wait_for;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// One of the two routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Router {
    /// BIRD, by eBGP.
    Bird,
    /// FRR, by iBGP.
    Frr,
}

impl Cluster {
    /// The routes to `prefix` that a router has, in the order of the nodes; none if there is none.
    pub fn routes(&self, router: Router, prefix: &str) -> Result<Vec<Route>> {
        match router {
            Router::Bird => routers::at_bird(&self.bird, prefix),
            Router::Frr => routers::at_frr(&self.router, prefix),
        }
    }

    /// A router's machine.
    #[must_use]
    pub const fn machine(&self, router: Router) -> &Namespace {
        match router {
            Router::Bird => self.bird.namespace(),
            Router::Frr => self.router.namespace(),
        }
    }

    /// Sets a condition of a Node.
    pub fn set_node_condition(&self, number: u8, kind: &str, status: bool) -> Result<()> {
        let value = if status { "True" } else { "False" };
        let body = json!({"status": {"conditions": [{"type": kind, "status": value}]}});
        let path = format!("/api/v1/nodes/{}/status", super::name(number));
        api::send(&self.kube, vec![Request::strategic(path, body)]).map(drop)
    }

    /// Every prefix that a router has from any node.
    pub fn prefixes(&self, router: Router) -> Result<BTreeSet<String>> {
        match router {
            Router::Bird => Ok(self.bird.routes()?.into_iter().map(|route| route.prefix).collect()),
            Router::Frr => routers::all_at_frr(&self.router),
        }
    }

    /// Fails unless exactly these nodes announce `prefix` to a router, each once for each session that they have with it.
    pub fn announced(&self, router: Router, prefix: &str, nodes: &[u8]) -> Result<Vec<Route>> {
        let had = self.routes(router, prefix)?;
        let seen: BTreeSet<u8> = had.iter().map(|route| route.node).collect();
        ensure!(seen == nodes.iter().copied().collect(), "{prefix} at {router:?} is announced by {seen:?}");
        Ok(had)
    }

    /// Waits until exactly these nodes announce `prefix` to both routers.
    pub fn wait_routes(&self, prefix: &str, nodes: &[u8]) -> Result<()> {
        for router in [Router::Bird, Router::Frr] {
            self.wait_routes_at(router, prefix, nodes)?;
        }
        Ok(())
    }

    /// The same at one router; returns the routes.
    pub fn wait_routes_at(&self, router: Router, prefix: &str, nodes: &[u8]) -> Result<Vec<Route>> {
        let what = format!("{nodes:?} announce {prefix} to {router:?}");
        wait_for(&what, LIMIT, || self.announced(router, prefix, nodes)).logged(|| self.logs())
    }

    /// Waits until every node has an Established session with the FRR router, and BIRD with it, in both families where
    /// `both` is set.
    pub fn wait_sessions(&self, both: bool) -> Result<()> {
        let families = if both { 2 } else { 1 };
        for number in 1..=super::NODES {
            for address in super::addresses(number).iter().take(families) {
                wait_for(&format!("FRR's session with {address}"), LIMIT, || {
                    ensure!(routers::established(&self.router, address)?, "not Established");
                    Ok(())
                })?;
            }
            for family in ["v4", "v6"].iter().take(families) {
                wait_for(&format!("BIRD's session node{number}_{family}"), LIMIT, || {
                    let said = self.bird.ask(&format!("show protocols node{number}_{family}"))?;
                    ensure!(said.contains("Established"), "{said}");
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Gives the routers other sessions: `bird` stands in each of BIRD's, each of `frr` after `neighbor ADDRESS` in FRR's.
    /// Nothing else stays of what they were given before.
    pub fn set_routers(&self, bird: &str, frr: &[&str]) -> Result<()> {
        self.bird.configure(&routers::bird_config(bird))?;
        let text = format!("no router bgp {}\n{}", super::ASN, routers::frr_config(frr));
        let loaded = self.router.load(&text)?;
        ensure!(loaded.accepted, "the FRR router: {}", loaded.output);
        Ok(())
    }

    /// Lets the FRR router's sessions carry both families, as BIRD's always do, until [`Cluster::set_routers`].
    pub fn set_both_families(&self) -> Result<()> {
        let loaded = self.router.load(&routers::both_families())?;
        ensure!(loaded.accepted, "the FRR router: {}", loaded.output);
        Ok(())
    }

    /// The address that the operator gave a Service of the namespace `default`, of a family (`:` or `.`).
    pub fn wait_address(&self, service: &str, family: char) -> Result<String> {
        wait_for(&format!("Service {service} has an address"), LIMIT, || {
            let object = self.kube.get(&["service", service])?;
            let ingress = object["status"]["loadBalancer"]["ingress"].as_array().cloned().unwrap_or_default();
            let mut ips = ingress.iter().filter_map(|entry| entry["ip"].as_str());
            ips.find(|ip| ip.contains(family))
                .map(str::to_owned)
                .with_context(|| object["status"].to_string())
        })
    }

    /// What the client gets from an address by port 80: `NAME from CLIENT-ADDRESS`. It asks through `router`.
    pub fn page(&self, router: Router, address: &str) -> Result<String> {
        self.page_at(router, address, 80)
    }

    /// The same by another port.
    pub fn page_at(&self, router: Router, address: &str, port: u16) -> Result<String> {
        let last = if router == Router::Bird { "10" } else { "11" };
        let (own, host) = if address.contains(':') {
            (format!("2001:db8:c::{last}"), format!("[{address}]"))
        } else {
            (format!("203.0.113.{last}"), address.to_owned())
        };
        let url = format!("http://{host}:{port}/");
        // A machine that stands still for seconds fails no request of a user's, either. `-v` says why one did.
        let port = ports::next().to_string();
        let limits = ["--local-port", &port, "--connect-timeout", "5", "--max-time", "10"];
        self.client.run("curl", &[&["-fsSv", "--interface", &own, &url][..], &limits].concat())
    }

    /// Asks so often, and counts which pods answered. One request that fails fails.
    pub fn answers(&self, router: Router, address: &str, times: usize) -> Result<BTreeMap<String, usize>> {
        let mut count = BTreeMap::new();
        for _ in 0..times {
            let page = self.page(router, address)?;
            let name = page.split(' ').next().unwrap_or_default().to_owned();
            *count.entry(name).or_default() += 1;
        }
        Ok(count)
    }

    /// Waits until `address` is answered by exactly these pods, through both routers.
    pub fn wait_answers(&self, address: &str, pods: &[&str]) -> Result<()> {
        let wanted: BTreeSet<&str> = pods.iter().copied().collect();
        for router in [Router::Bird, Router::Frr] {
            wait_for(&format!("{pods:?} answer at {address} through {router:?}"), LIMIT, || {
                let count = self.answers(router, address, 8 * pods.len().max(1))?;
                let seen: BTreeSet<&str> = count.keys().map(String::as_str).collect();
                ensure!(seen == wanted, "{count:?}");
                Ok(())
            })
            .logged(|| self.logs())?;
        }
        Ok(())
    }

    /// The ends of all logs: for the message of a test that fails.
    #[must_use]
    pub fn logs(&self) -> String {
        let end = |log: &str| {
            // What each configuration says of its own end tells nothing.
            let dull = |line: &&str| !line.contains("end_config") && !line.contains("Configuration Read");
            let lines: Vec<&str> = log.lines().filter(dull).collect();
            lines[lines.len().saturating_sub(25)..].join("\n")
        };
        let mut text = String::new();
        for node in &self.nodes {
            let agent = node.agent.as_ref().map(super::Agent::log).unwrap_or_default();
            text.extend(["=== ", &node.name, " herald-agent\n", &end(&agent), "\n", &end(&node.frr.logs())]);
            text.extend(["--- kube-proxy\n", &end(&node.proxy_log()), "\n"]);
        }
        for operator in &self.operators {
            text.extend(["=== ", operator.name(), "\n", &end(&operator.log()), "\n"]);
        }
        text.extend(["=== bird\n", &end(&self.bird.log()), "\n=== router\n", &end(&self.router.logs())]);
        text
    }
}
