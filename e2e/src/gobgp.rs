//! `GoBGP` as a neighbour: another implementation, so another opinion.

use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::{Process, output};
use crate::wait::wait_for;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// A running gobgpd.
#[derive(Debug)]
pub struct Gobgp {
    namespace: Namespace,
    process: Process,
}

/// A path of `GoBGP`'s table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GobgpRoute {
    /// `192.0.2.1/32`.
    pub prefix: String,
    /// The next hop.
    pub next_hop: String,
    /// Standard communities, `65000:100`, sorted.
    pub communities: Vec<String>,
    /// Large communities, `65000:1:2`, sorted.
    pub large_communities: Vec<String>,
    /// Local preference, over iBGP.
    pub local_pref: Option<u64>,
    /// The neighbour that it came from.
    pub neighbor: String,
}

impl Gobgp {
    /// Starts gobgpd in `namespace` with `config` (TOML), and waits until it answers.
    pub fn start(lab: &Lab, namespace: &Namespace, config: &str) -> Result<Self> {
        let folder = lab.folder(&format!("gobgp-{}", namespace.label()))?;
        fs::write(folder.join("gobgpd.toml"), config)?;
        let mut command = namespace.command("gobgpd");
        command.arg("-f").arg(folder.join("gobgpd.toml")).args([
            "--log-plain",
            "--api-hosts",
            "127.0.0.1:50051",
        ]);
        let process = Process::spawn("gobgpd", command, &folder.join("gobgpd.log"))?;
        let mut gobgp = Self { namespace: namespace.clone(), process };
        wait_for("GoBGP answers", Duration::from_secs(10), || {
            gobgp.process.check_running()?;
            gobgp.ask(&["global"])
        })?;
        Ok(gobgp)
    }

    /// A gobgp command's answer.
    pub fn ask(&self, words: &[&str]) -> Result<String> {
        output(self.namespace.command("gobgp").args(["-u", "127.0.0.1", "-p", "50051"]).args(words))
    }

    /// The paths of a family (`ipv4`, `ipv6`).
    pub fn routes(&self, family: &str) -> Result<Vec<GobgpRoute>> {
        let text = self.ask(&["-j", "global", "rib", "-a", family])?;
        parse_routes(&text).with_context(|| text)
    }

    /// Fails while there is a path to `prefix`.
    pub fn lacks(&self, prefix: &str) -> Result<()> {
        let all = self.routes(if prefix.contains(':') { "ipv6" } else { "ipv4" })?;
        anyhow::ensure!(all.iter().all(|route| route.prefix != prefix), "still there: {all:?}");
        Ok(())
    }

    /// The paths to `prefix`, at least one.
    pub fn routes_to(&self, prefix: &str) -> Result<Vec<GobgpRoute>> {
        let all = self.routes(if prefix.contains(':') { "ipv6" } else { "ipv4" })?;
        let found: Vec<_> = all.iter().filter(|route| route.prefix == prefix).cloned().collect();
        anyhow::ensure!(!found.is_empty(), "no route to {prefix}; all: {all:?}");
        Ok(found)
    }
}

/// BGP attribute types (RFC 4271 5.1, RFC 1997, RFC 4760, RFC 8092).
fn parse_routes(text: &str) -> Result<Vec<GobgpRoute>> {
    let table: Value = if text.trim().is_empty() { Value::Null } else { serde_json::from_str(text)? };
    let mut routes = Vec::new();
    for (prefix, paths) in table.as_object().into_iter().flatten() {
        for path in paths.as_array().into_iter().flatten() {
            let mut route = GobgpRoute { prefix: prefix.clone(), ..GobgpRoute::default() };
            path["source-id"].as_str().unwrap_or_default().clone_into(&mut route.neighbor);
            for attribute in path["attrs"].as_array().into_iter().flatten() {
                read_attribute(&mut route, attribute);
            }
            routes.push(route);
        }
    }
    Ok(routes)
}

fn read_attribute(route: &mut GobgpRoute, attribute: &Value) {
    match attribute["type"].as_u64() {
        Some(3 | 14) => attribute["nexthop"].as_str().unwrap_or_default().clone_into(&mut route.next_hop),
        Some(5) => route.local_pref = attribute["value"].as_u64(),
        Some(8) => {
            let values = attribute["communities"].as_array().into_iter().flatten().filter_map(Value::as_u64);
            route.communities = values.map(|value| format!("{}:{}", value >> 16, value & 0xffff)).collect();
            route.communities.sort();
        }
        Some(32) => {
            let values = attribute["value"].as_array().into_iter().flatten();
            let number = |value: &Value, key: &str| value[key].as_u64().unwrap_or_default();
            route.large_communities = values
                .map(|v| {
                    format!("{}:{}:{}", number(v, "ASN"), number(v, "LocalData1"), number(v, "LocalData2"))
                })
                .collect();
            route.large_communities.sort();
        }
        _ => {}
    }
}
