//! The demo's path, as a test: docs/examples/quickstart carries traffic, and a route leaves with its endpoint.

use anyhow::{Result, ensure};
use herald_e2e::quickstart::{Quickstart, prepare, remove_endpoints};
use herald_e2e::{Herald, Lab, Logged, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_quickstart_serves_its_page_from_both_nodes() -> Result<()> {
    let lab = Lab::new()?;
    let (manifests, address) = prepare(&lab, &Herald::new()?)?;
    let mut network = Quickstart::start(&lab, manifests, &address)?;
    network.start_agents()?;
    network.wait_for_routes(&address, 2, LIMIT).logged(|| network.logs())?;
    for name in ["node1", "node2"] {
        wait_for("each node serves", LIMIT, || {
            let page = network.page(&address)?;
            ensure!(page.contains(name), "{page}");
            Ok(())
        })?;
    }
    remove_endpoints(&network.manifests.join("service.yaml"), "node2")?;
    network.wait_for_routes(&address, 1, LIMIT).logged(|| network.logs())?;
    for _ in 0..8 {
        let page = network.page(&address)?;
        ensure!(page.contains("node1"), "{page}");
    }
    Ok(())
}
