//! Network namespaces and the cables between them.

use crate::process::output;
use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns};
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What every namespace of a lab is: no waiting for duplicate address detection, a router, equal paths chosen by ports.
const SETTINGS: &str = "
ip link set lo up
for family in ipv4 ipv6; do for scope in all default; do
    [ ! -e /proc/sys/net/$family/conf/$scope/forwarding ] || echo 1 >/proc/sys/net/$family/conf/$scope/forwarding
    [ ! -e /proc/sys/net/$family/conf/$scope/accept_dad ] || echo 0 >/proc/sys/net/$family/conf/$scope/accept_dad
done; [ ! -e /proc/sys/net/$family/fib_multipath_hash_policy ] || echo 1 >/proc/sys/net/$family/fib_multipath_hash_policy
done";

/// A network namespace of a lab. The lab removes it.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: Arc<str>,
}

impl Namespace {
    pub(crate) fn create(name: &str) -> Result<Self> {
        output(Command::new("ip").args(["netns", "add", name]))
            .context("make a network namespace (root?)")?;
        let made = Self { name: name.into() };
        made.run("sh", &["-c", SETTINGS])?;
        Ok(made)
    }

    /// Its name, as `ip netns` shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that the lab gave it.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name
            .rsplit_once('.')
            .and_then(|(_, rest)| rest.split_once('-'))
            .map_or(&self.name, |(_, label)| label)
    }

    /// `program` in this namespace. The process that starts is the program itself.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs `program` to its end and returns what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        output(self.command(program).args(arguments))
    }

    /// Moves the calling thread, and those that it starts from now on, into it.
    pub fn enter(&self) -> Result<()> {
        let file = fs::File::open(format!("/run/netns/{}", self.name))?;
        setns(file, CloneFlags::CLONE_NEWNET).with_context(|| format!("enter {}", self.name))
    }

    /// The processes in it, as ids and names.
    pub fn processes(&self) -> Result<Vec<(u32, String)>> {
        let ids = output(Command::new("ip").args(["netns", "pids", &self.name]))?;
        let name = |id: &str| {
            // One that has just ended is none.
            let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
            Some((id.parse().ok()?, name.trim().to_owned()))
        };
        Ok(ids.lines().filter_map(name).collect())
    }

    /// Runs `ip` with words separated by spaces.
    pub fn ip(&self, words: &str) -> Result<String> {
        output(Command::new("ip").args(["-n", &self.name]).args(words.split_whitespace()))
    }
}

/// An Ethernet segment to which namespaces are attached.
#[derive(Debug)]
pub struct Segment {
    switch: Namespace,
    ports: AtomicU32,
}

impl Segment {
    pub(crate) fn create(switch: Namespace) -> Result<Self> {
        switch.ip("link add br0 type bridge forward_delay 0")?;
        switch.ip("link set br0 up")?;
        Ok(Self { switch, ports: AtomicU32::new(0) })
    }

    /// Gives `namespace` an interface on this segment with these addresses (`ADDRESS/LENGTH`).
    pub fn attach(&self, namespace: &Namespace, device: &str, addresses: &[&str]) -> Result<()> {
        let port = format!("port{}", self.ports.fetch_add(1, Ordering::Relaxed));
        namespace
            .ip(&format!("link add {device} type veth peer name {port} netns {}", self.switch.name()))?;
        self.switch.ip(&format!("link set {port} master br0 up"))?;
        for address in addresses {
            let nodad = if address.contains(':') { "nodad" } else { "" };
            namespace.ip(&format!("address add {address} dev {device} {nodad}"))?;
        }
        namespace.ip(&format!("link set {device} up"))?;
        Ok(())
    }
}
