//! How much FRR, the agent and the operator log, while they run.

use crate::ground::{Ground, LIMIT, NAMESPACE};
use anyhow::{Result, ensure};
use herald_e2e::wait_for;
use serde_json::json;

/// What the settings say, and FRR's line.
const LEVELS: [(&str, &str); 6] = [
    ("debug", "log stdout"),
    ("info", "log stdout informational"),
    ("error", "log stdout errors"),
    ("none", "log stdout emergencies"),
    ("all", "log stdout"),
    ("warn", "log stdout warnings"),
];

impl Ground {
    fn settings(&self, name: &str, level: &str) -> Result<()> {
        let settings = json!({"apiVersion": "frrk8s.metallb.io/v1beta1", "kind": "FRRK8sConfiguration",
            "metadata": {"name": name, "namespace": "metallb-system"}, "spec": {"logLevel": level}});
        self.kube.apply(&settings.to_string()).map(drop)
    }

    fn frr_logs(&self, line: &str) -> Result<()> {
        wait_for(&format!("FRR has {line:?}"), LIMIT, || {
            let running = self.running()?;
            ensure!(
                running.lines().find(|line| line.starts_with("log stdout")).unwrap_or("") == line,
                "{running}"
            );
            Ok(())
        })
    }

    /// What the agent logged while a Service came, and the operator while an object was admitted.
    fn logged_of(&self, service: &str) -> Result<(String, String)> {
        let (agent, operator) = (self.site.agent_log().len(), self.operator.log().len());
        self.service(service)?;
        self.route(service)?;
        let object = json!({"apiVersion": "metallb.io/v1beta1", "kind": "Community",
            "metadata": {"name": service, "namespace": "metallb-system"}, "spec": {"communities": []}});
        self.kube.apply(&object.to_string())?;
        Ok((self.site.agent_log()[agent..].to_owned(), self.operator.log()[operator..].to_owned()))
    }
}

// frr-k8s logging
pub fn follows_the_settings(ground: &Ground) -> Result<()> {
    ground.frr_logs("")?;
    // Only `config` counts.
    ground.settings("other", "debug")?;
    for (level, line) in LEVELS {
        ground.settings("config", level)?;
        ground.frr_logs(line)?;
    }
    let (agent, _) = ground.logged_of("quiet")?;
    ensure!(!agent.contains("\"Applied\""), "{agent}");
    ground.settings("config", "debug")?;
    ground.frr_logs("log stdout")?;
    let (agent, operator) = ground.logged_of("loud")?;
    ensure!(agent.contains("\"Applied\"") && operator.contains("\"Admitted\""), "{agent}\n{operator}");
    ground.kube.run(&["delete", "frrk8sconfiguration", "config", "other", NAMESPACE])?;
    ground.frr_logs("")?;
    let (agent, operator) = ground.logged_of("as-started")?;
    ensure!(agent.contains("\"Applied\"") && !operator.contains("\"Admitted\""), "{agent}\n{operator}");
    // What is to be written of them is written before the next part counts.
    ["quiet", "loud", "as-started"]
        .iter()
        .try_for_each(|name| ground.announced(name, &["bird", "gobgp"]).map(drop))
}
