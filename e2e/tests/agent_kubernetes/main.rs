//! The agent on a real API server, with the rights of `manifests/rbac`: Services become routes, and nothing that becomes of
//! the API server takes one away.

mod away;
mod ground;
mod robust;

use anyhow::{Context, Result};
use ground::{Cluster, LIMIT};
use herald_e2e::{Logged, wait_for};

/// One cluster for all of it: what one part leaves behind is what the next one starts with.
#[test]
fn services_become_routes_and_stay_routes_while_the_api_server_is_away() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let told = cluster.live();
    told.logged(|| format!("{}\n=== operator\n{}", cluster.site.logs(), cluster.operator.log()))
}

impl Cluster {
    fn live(&mut self) -> Result<()> {
        self.configure()?;
        self.start_agent()?;
        self.service("web", true)?;
        let web = self.route("web")?;
        self.endpoints_come_and_go(&web)?;
        self.kube.stop()?;
        self.stays(&web).context("the API server is away")?;
        self.kill_agent()?;
        self.start_agent()?;
        self.stays(&web).context("the agent started while the API server is away")?;
        self.kill_agent()?;
        self.site.frr.kill_all()?;
        wait_for("the route is gone with FRR", LIMIT, || self.bird.lacks(&web))?;
        self.site.frr.boot()?;
        self.start_agent()?;
        self.arrives(&web).context("FRR and agent started while the API server is away")?;
        self.stays(&web).context("FRR and agent started while the API server is away")?;
        self.kube.restart_api()?;
        self.service("later", true)?;
        self.route("later")?;
        self.stays(&web).context("the API server is back")
    }

    fn endpoints_come_and_go(&mut self, web: &str) -> Result<()> {
        self.endpoints("web", false)?;
        wait_for("it is withdrawn with its last endpoint", LIMIT, || self.bird.lacks(web))?;
        self.endpoints("web", true)?;
        self.arrives(web)
    }
}
