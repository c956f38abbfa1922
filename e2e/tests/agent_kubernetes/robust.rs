//! Whatever happens to the API server or to an object in it, the routes stay, and what changed meanwhile follows.

use super::ground::{Cluster, LIMIT, QUIET};
use anyhow::{Context, Result, ensure};
use herald_e2e::{Logged, wait_for};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::thread::sleep;

const POOLS: &str = "ipaddresspools.metallb.io";

/// One cluster for all of it: what one part leaves behind is what the next one starts with.
#[test]
fn routes_stay_whatever_happens_to_the_api_server() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let told = cluster.suffer();
    told.logged(|| format!("{}\n=== operator\n{}", cluster.site.logs(), cluster.operator.log()))
}

impl Cluster {
    fn suffer(&mut self) -> Result<()> {
        let web = self.a_kind_is_missing().context("a kind that the API server does not know")?;
        self.an_object_cannot_be_read(&web).context("an object that cannot be read")?;
        self.api_hangs(&web).context("an API server that hangs")?;
        self.a_watch_is_too_old(&web).context("a watch that is too old")
    }

    /// Nothing is announced before everything is known, and all is once the kind is there.
    fn a_kind_is_missing(&mut self) -> Result<String> {
        self.configure()?;
        self.kube.run(&["delete", "customresourcedefinition", "bfdprofiles.metallb.io"])?;
        self.start_agent()?;
        self.service("web", true)?;
        let web = self.address("web")?;
        wait_for("the agent says what is missing", LIMIT, || {
            let log = self.site.agent_log();
            ensure!(log.contains("the API server has no metallb.io/v1beta1 BFDProfile"), "{log}");
            Ok(())
        })?;
        sleep(QUIET);
        self.bird.lacks(&web)?;
        ensure!(self.site.agent_log().contains("SourceAway"), "it does not say that it waits");
        self.kube.install("crds/yaml")?;
        self.arrives(&web)?;
        Ok(web)
    }

    /// As after an upgrade whose schema is stricter than the one that an object was stored under: the form before counts, also
    /// after a restart.
    fn an_object_cannot_be_read(&mut self, web: &str) -> Result<()> {
        let stored = self.kube.get(&["customresourcedefinition", POOLS])?;
        let strict = &stored["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let webhooks = ["delete", "validatingwebhookconfiguration", "metallb-webhook-configuration"];
        self.kube.run(&webhooks)?;
        self.schema(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))?;
        let pool = |addresses: Value| {
            json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
                "metadata": {"name": "public", "namespace": "metallb-system"}, "spec": {"addresses": addresses}})
            .to_string()
        };
        let strange = pool(json!({"from": 7}));
        wait_for("the strange pool is stored", LIMIT, || self.kube.apply(&strange))?;
        wait_for("the agent tells of the pool", LIMIT, || {
            let log = self.site.agent_log();
            ensure!(
                log.lines().any(|line| line.contains("IPAddressPool") && line.contains("spec.addresses")),
                "{log}"
            );
            Ok(())
        })?;
        self.stays(web)?;
        self.kill_agent()?;
        self.start_agent()?;
        self.stays(web).context("the agent was restarted")?;
        self.kube.apply(&pool(json!(["198.51.100.0/24"])))?;
        self.schema(strict)?;
        self.kube.install("manifests")?;
        self.stays(web).context("it can be read again")
    }

    fn schema(&self, schema: &Value) -> Result<()> {
        let field = "/spec/versions/0/schema/openAPIV3Schema";
        let patch = json!([{"op": "replace", "path": field, "value": schema}]).to_string();
        self.kube
            .run(&["patch", "customresourcedefinition", POOLS, "--type=json", "--patch", &patch])
            .map(drop)
    }

    /// Connections stay and nothing is answered, longer than the agent waits for an answer; then it starts into that.
    fn api_hangs(&mut self, web: &str) -> Result<()> {
        self.kube.pause_api()?;
        for _ in 0..3 {
            self.stays(web)?;
        }
        self.kill_agent()?;
        self.start_agent()?;
        self.stays(web).context("the agent started meanwhile")?;
        self.kube.resume_api()?;
        self.service("after-hanging", true)?;
        self.route("after-hanging")?;
        self.stays(web)
    }

    /// The agent sleeps, its watches fall out of what the API server remembers (410), and Services come and go meanwhile.
    fn a_watch_is_too_old(&mut self, web: &str) -> Result<()> {
        let gone = self.route("after-hanging")?;
        let agent = self.site.agent.as_mut().context("no agent runs")?.process();
        agent.signal(Signal::SIGSTOP)?;
        self.kube.run(&["delete", "service", "after-hanging"])?;
        self.service("made-meanwhile", true)?;
        self.address("made-meanwhile")?;
        self.kube.compact()?;
        // A server that has just started remembers nothing from before.
        self.kube.restart_api()?;
        self.bird.routes_to(&gone).context("FRR needs no agent")?;
        self.site.agent.as_mut().context("no agent runs")?.process().signal(Signal::SIGCONT)?;
        let made = self.route("made-meanwhile")?;
        if made != gone {
            wait_for("what went meanwhile is withdrawn", LIMIT, || self.bird.lacks(&gone))?;
        }
        let log = self.site.agent_log();
        ensure!(log.contains("too old resource version"), "no watch was too old:\n{log}");
        self.bird.routes_to(web)?;
        self.stays(web)
    }
}
