//! BIRD 2 as a neighbour: a second opinion on what is announced.

use crate::lab::Lab;
use crate::network::Namespace;
use crate::process::Process;
use crate::wait::wait_for;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A running BIRD.
#[derive(Debug)]
pub struct Bird {
    namespace: Namespace,
    folder: PathBuf,
    process: Process,
}

/// A route of BIRD's table, as `show route all` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BirdRoute {
    /// `192.0.2.1/32`.
    pub prefix: String,
    /// The session that it came by.
    pub protocol: String,
    /// Next hops, sorted.
    pub next_hops: Vec<String>,
    /// Attributes by BIRD's name, e.g. `BGP.local_pref` -> `200`, `BGP.community` -> `(65000,100)`.
    pub attributes: Vec<(String, String)>,
}

impl BirdRoute {
    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A session as BIRD shows it.
#[derive(Clone, Debug)]
pub struct BirdSession {
    state: String,
    /// In ms of the day.
    since: i64,
}

impl BirdSession {
    /// `NAME BGP TABLE up 02:58:23.585 Established`.
    fn of(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let time: Vec<&str> = words.get(4)?.split([':', '.']).collect();
        let number = |at: usize| time.get(at).and_then(|word| word.parse::<i64>().ok());
        let since = ((number(0)? * 60 + number(1)?) * 60 + number(2)?) * 1000 + number(3)?;
        Some(Self { state: [words.get(3)?, words.get(5).copied().unwrap_or("")].join(" "), since })
    }

    /// Whether it never ended in between. BIRD counts back from a clock that it reads anew, so one session differs by some
    /// milliseconds now and then; a new one takes a second.
    #[must_use]
    pub fn is_still(&self, before: &Self) -> bool {
        self.state == before.state && (self.since - before.since).abs() < 500
    }
}

impl Bird {
    /// Starts BIRD in `namespace` with `config`, and waits until it answers.
    pub fn start(lab: &Lab, namespace: &Namespace, config: &str) -> Result<Self> {
        let folder = lab.folder(&format!("bird-{}", namespace.label()))?;
        fs::write(folder.join("bird.conf"), config)?;
        let mut command = namespace.command("bird");
        command.arg("-f").arg("-c").arg(folder.join("bird.conf")).arg("-s").arg(folder.join("bird.ctl"));
        let process = Process::spawn("bird", command, &folder.join("bird.log"))?;
        let mut bird = Self { namespace: namespace.clone(), folder, process };
        wait_for("BIRD answers", Duration::from_secs(10), || {
            bird.process.check_running()?;
            bird.ask("show status")
        })?;
        Ok(bird)
    }

    /// The folder of its configuration and control socket.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.folder.join("bird.ctl")
    }

    /// Where it runs.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// What it has logged to standard error (`log stderr all;`).
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Gives it another configuration; sessions that are the same in it stay.
    pub fn configure(&self, config: &str) -> Result<()> {
        fs::write(self.folder.join("bird.conf"), config)?;
        let said = self.ask("configure")?;
        anyhow::ensure!(said.contains("Reconfigur"), "{said}");
        Ok(())
    }

    /// A birdc command's answer.
    pub fn ask(&self, command: &str) -> Result<String> {
        let control = self.control();
        self.namespace.run("birdc", &["-s", &control.display().to_string(), command])
    }

    /// A session's state, and since when.
    pub fn session(&self, name: &str) -> Result<BirdSession> {
        let text = self.ask(&format!("show protocols {name}"))?;
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        BirdSession::of(line.unwrap_or_default()).with_context(|| text.clone())
    }

    /// How many withdrawals a session's first channel has received since it came up.
    pub fn withdrawals(&self, session: &str) -> Result<u64> {
        let text = self.ask(&format!("show protocols all {session}"))?;
        let line = text.lines().find_map(|line| line.trim().strip_prefix("Import withdraws:"));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.with_context(|| text.clone())
    }

    /// All routes that a session brought, one per prefix and session.
    pub fn routes(&self) -> Result<Vec<BirdRoute>> {
        Ok(parse_routes(&self.ask("show route all where source = RTS_BGP")?))
    }

    /// Fails while there is a route to `prefix`.
    pub fn lacks(&self, prefix: &str) -> Result<()> {
        let routes: Vec<_> = self.routes()?.into_iter().filter(|route| route.prefix == prefix).collect();
        anyhow::ensure!(routes.is_empty(), "still there: {routes:?}");
        Ok(())
    }

    /// The routes to `prefix`, at least one.
    pub fn routes_to(&self, prefix: &str) -> Result<Vec<BirdRoute>> {
        let routes: Vec<_> = self.routes()?.into_iter().filter(|route| route.prefix == prefix).collect();
        anyhow::ensure!(!routes.is_empty(), "no route to {prefix}; all: {:?}", self.routes()?);
        Ok(routes)
    }
}

/// A route starts at its prefix, or at blanks where it has the prefix of the one before:
///
/// ```text
/// 192.0.2.1/32         unicast [node1 08:00:00.000] * (100) [AS65000i]
///         via 172.30.0.1 on eth0
///         BGP.next_hop: 172.30.0.1
///                      unicast [node2 08:00:00.000] (100) [AS65000i]
/// ```
fn parse_routes(text: &str) -> Vec<BirdRoute> {
    let mut routes: Vec<BirdRoute> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let opening = words.iter().take(3).position(|word| word.starts_with('['));
        if let (Some(at), false) = (opening, line.starts_with('\t')) {
            let before = routes.last().map(|route| route.prefix.clone()).unwrap_or_default();
            let prefix = if line.starts_with(' ') {
                before
            } else {
                words.first().map_or(before, |word| (*word).to_owned())
            };
            let protocol =
                words.get(at).map(|word| word.trim_matches(['[', ']']).to_owned()).unwrap_or_default();
            routes.push(BirdRoute { prefix, protocol, ..BirdRoute::default() });
            continue;
        }
        let Some(route) = routes.last_mut() else { continue };
        if let Some(hop) = line.trim().strip_prefix("via ") {
            route.next_hops.extend(hop.split(' ').next().map(str::to_owned));
            route.next_hops.sort();
        } else if let Some((name, value)) = line.trim().split_once(": ") {
            route.attributes.push((name.to_owned(), value.to_owned()));
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read() {
        let text = "BIRD 2.0.12 ready.\nTable master4:\n\
            192.0.2.1/32         unicast [node1 08:00:00.000] * (100) [AS65000i]\n\
            \tvia 172.30.0.1 on eth0\n\tBGP.local_pref: 200\n\tBGP.community: (65000,1) (65000,2)\n\
            \x20                    unicast [node2 08:00:00.000] (100) [AS65000i]\n\tvia 172.30.0.2 on eth0\n";
        let routes = parse_routes(text);
        assert_eq!(routes.len(), 2);
        assert_eq!((routes[0].protocol.as_str(), routes[1].protocol.as_str()), ("node1", "node2"));
        assert_eq!(routes[1].prefix, "192.0.2.1/32");
        assert_eq!(routes[1].next_hops, ["172.30.0.2"]);
        assert_eq!(routes[0].attribute("BGP.community"), Some("(65000,1) (65000,2)"));
    }
}
