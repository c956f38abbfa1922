//! `make demo`: from a folder of manifests to a page over HTTP, on two real FRRs and a real router.

use crate::talk::Talk;
use anyhow::{Result, ensure};
use herald_e2e::quickstart::{self, Quickstart};
use herald_e2e::{Herald, Lab, Logged};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

pub fn run(talk: &Talk, keep: bool) -> Result<()> {
    let lab = Lab::new()?;
    let herald = Herald::new()?;
    let (manifests, address) = quickstart::prepare(&lab, &herald)?;
    let folder = manifests.display().to_string();
    talk.step(
        "The manifests: docs/examples/quickstart, and the addresses that `herald plan --write` recorded",
    );
    talk.shell(&format!("herald plan -f {folder}"), &herald.run(&["plan", "-f", &folder])?);

    talk.step("The frr.conf that they mean for node1 (node2's is the same)");
    talk.shell(
        &format!("herald render -f {folder} --node node1"),
        &herald.run(&["render", "-f", &folder, "--node", "node1"])?,
    );

    talk.step("The network: two nodes (FRR 10.3 each), a pod behind each, a BIRD router, a client");
    let mut network = Quickstart::start(&lab, manifests, &address)?;
    let done = show(talk, &mut network, &address).logged(|| network.logs());
    if keep && done.is_ok() {
        lab.keep()?;
        talk.step("Left up (KEEP=1). To look around:");
        println!("{}", tour(&lab, &network, &address));
        // Dropping the processes would end them.
        std::process::exit(0);
    }
    done?;
    talk.step("Done; everything that was started is removed");
    Ok(())
}

/// Routes come, the client gets its page, an endpoint goes, its route leaves.
fn show(talk: &Talk, network: &mut Quickstart, address: &str) -> Result<()> {
    talk.step("Both agents start and bring FRR to what the folder says");
    network.start_agents()?;
    network.wait_for_routes(address, 2, LIMIT)?;
    talk.shell(
        &format!("birdc show route for {address}"),
        &network.router.ask(&format!("show route for {address} all"))?,
    );
    talk.shell("ip route (the router's kernel: both next hops in use)", &network.kernel_route(address)?);

    talk.step("The client asks the allocated address for its page");
    let mut pages: Vec<String> = Vec::new();
    let both = |pages: &[String]| pages.iter().any(|page| Some(page) != pages.first());
    while pages.len() < 3 || (pages.len() < 64 && !both(&pages)) {
        pages.push(network.page(address)?);
    }
    pages.dedup();
    ensure!(pages.len() > 1, "only one node serves: {pages:?}");
    talk.shell(
        &format!("curl http://{address}/   (several times: the router spreads connections)"),
        &pages.concat(),
    );

    talk.step("node2's endpoint ends: its line leaves the EndpointSlice in service.yaml");
    let started = Instant::now();
    quickstart::remove_endpoints(&network.manifests.join("service.yaml"), "node2")?;
    network.wait_for_routes(address, 1, LIMIT)?;
    println!("  the router has lost that route after {} ms", started.elapsed().as_millis());
    talk.shell(
        &format!("birdc show route for {address}"),
        &network.router.ask(&format!("show route for {address}"))?,
    );
    talk.shell("ip route", &network.kernel_route(address)?);
    for _ in 0..8 {
        let page = network.page(address)?;
        ensure!(page.contains("node1"), "after the withdrawal: {page}");
    }
    talk.shell(&format!("curl http://{address}/   (8 times)"), &network.page(address)?);
    Ok(())
}

/// The commands to look around with.
fn tour(lab: &Lab, network: &Quickstart, address: &str) -> String {
    let mut lines = Vec::new();
    for node in &network.nodes {
        lines.push(format!("{:<8} {} vtysh -c 'show bgp summary'", node.name, node.frr.enter().display()));
        lines.push(format!("{:<8} less {}", "", node.frr.folder().join("herald-agent.log").display()));
    }
    lines.push(format!("router   birdc -s {} show route all", network.router.control().display()));
    lines.push(format!("client   ip netns exec {} curl http://{address}/", network.client.name()));
    lines.push(format!("edit     {}/service.yaml", network.manifests.display()));
    lines.push(format!("remove   scripts/lab-clean {}     (or: make demo-clean)", lab.name()));
    format!("  {}\n", lines.join("\n  "))
}
