//! What is wrong with the configuration, told through a real API server to which the webhooks say nothing: objects that were
//! stored before the operator came, and `--webhook-mode=disabled`. Rows C8 and C10 of MetalLB's suite for the controller.

use anyhow::{Result, ensure};
use herald_e2e::{Kube, Lab, Operator, wait_for};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
const NAMESPACE: &str = "metallb-system";

fn object(kind: &str, name: &str, spec: &Value) -> String {
    let metadata = json!({ "name": name, "namespace": NAMESPACE });
    json!({ "apiVersion": "metallb.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec })
        .to_string()
}

fn pool(name: &str, addresses: &str) -> String {
    object("IPAddressPool", name, &json!({ "addresses": [addresses] }))
}

fn community(name: &str, value: &str) -> String {
    object("Community", name, &json!({ "communities": [{ "name": "bar", "value": value }] }))
}

struct Cluster {
    kube: Kube,
    operator: Operator,
}

impl Cluster {
    fn state(&self) -> Result<Value> {
        self.kube.get(&["configurationstate", "controller", "--namespace", NAMESPACE])
    }

    /// Waits for result and summary; `uid` must not be that of the object.
    fn says(&self, result: &str, summary: &str, not: &Value) -> Result<Value> {
        wait_for(&format!("the configuration is {result}: {summary}"), LIMIT, || {
            let state = self.state()?;
            let status = &state["status"];
            ensure!(status["result"] == result, "{status}");
            ensure!(status["errorSummary"].as_str().unwrap_or_default() == summary, "{status}");
            let condition = &status["conditions"][0];
            let (is, reason) =
                if result == "Valid" { ("True", "Reconciled") } else { ("False", "ConfigurationError") };
            ensure!(condition["type"] == "poolReconcilerValid", "{condition}");
            ensure!(condition["status"] == is && condition["reason"] == reason, "{condition}");
            ensure!(state["metadata"]["labels"]["metallb.io/component-type"] == "controller", "{state}");
            ensure!(state["metadata"]["uid"] != *not, "it is still there");
            Ok(state["metadata"]["uid"].clone())
        })
    }

    /// Deletes it; it comes back and says the same.
    fn comes_back(&self, result: &str, summary: &str) -> Result<()> {
        let before = self.says(result, summary, &Value::Null)?;
        self.kube.run(&["delete", "configurationstates", "--all", "--namespace", NAMESPACE])?;
        self.says(result, summary, &before).map(drop)
    }

    fn delete(&self, kind: &str, name: &str) -> Result<()> {
        self.kube.run(&["delete", kind, name, "--namespace", NAMESPACE]).map(drop)
    }
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_metallb() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    kube.run(&["delete", "validatingwebhookconfigurations", "--all"])?;
    kube.apply(&pool("a", "10.77.0.0/24"))?;
    // Before there is an operator.
    kube.apply(&pool("b", "10.77.0.128/25"))?;
    let mut operator = Operator::start(&lab, &kube, "first", &["--webhook-mode=disabled"])?;
    operator.wait_ready()?;
    let cluster = Cluster { kube, operator };
    let overlap = "configuration error: CIDR \"10.77.0.128/25\" in pool \"b\" overlaps with already defined CIDR \
                   \"10.77.0.0/24\"";
    cluster.says("Invalid", overlap, &Value::Null)?;
    // C8: deleted while it is Invalid.
    cluster.comes_back("Invalid", overlap)?;
    cluster.delete("ipaddresspool", "b")?;
    // C10: deleted while it is Valid.
    cluster.comes_back("Valid", "")?;
    one_problem(&cluster)?;
    several_problems(&cluster)?;
    cluster.comes_back("Valid", "")?;
    ensure!(!cluster.operator.log().contains("not written"), "{}", cluster.operator.log());
    Ok(())
}

fn one_problem(cluster: &Cluster) -> Result<()> {
    let pools = [
        ("1.2.3.0/33", "invalid CIDR \"1.2.3.0/33\""),
        (
            "1.2.3.10-1.2.3.1",
            "invalid IP range \"1.2.3.10-1.2.3.1\": start IP \"1.2.3.10\" is after the end IP \"1.2.3.1\"",
        ),
        ("1.2.3-1.2.3.9", "invalid IP range \"1.2.3-1.2.3.9\": invalid start IP \"1.2.3\""),
        ("1.2.3.1-1.2.3", "invalid IP range \"1.2.3.1-1.2.3\": invalid end IP \"1.2.3\""),
    ];
    for (addresses, words) in pools {
        cluster.kube.apply(&pool("b", addresses))?;
        let wanted = format!(
            "configuration error: parsing address pool b: invalid CIDR {addresses:?} in pool \"b\": {words}"
        );
        cluster.says("Invalid", &wanted, &Value::Null)?;
    }
    cluster.delete("ipaddresspool", "b")?;
    let communities = [
        ("1234", "parsing community \"bar\": invalid community format: 1234"),
        (
            "1:99999999",
            "parsing community \"bar\": invalid community value: invalid section \"99999999\" of community \
             \"1:99999999\", err: \"strconv.ParseUint: parsing \\\"99999999\\\": value out of range\"",
        ),
    ];
    for (value, words) in communities {
        cluster.kube.apply(&community("a", value))?;
        cluster.says("Invalid", &format!("configuration error: {words}"), &Value::Null)?;
    }
    cluster.kube.apply(&community("a", "64512:1"))?;
    cluster.says("Valid", "", &Value::Null)?;
    cluster.kube.apply(&community("b", "64512:2"))?;
    cluster.says(
        "Invalid",
        "configuration error: duplicate definition of community \"bar\"",
        &Value::Null,
    )?;
    cluster.delete("community", "b")?;
    cluster.says("Valid", "", &Value::Null).map(drop)
}

/// All of them, each with object and field.
fn several_problems(cluster: &Cluster) -> Result<()> {
    cluster.kube.apply(&pool("b", "1.2.3.0/33"))?;
    cluster.kube.apply(&community("b", "1234"))?;
    wait_for("both are told", LIMIT, || {
        let state = cluster.state()?;
        let summary = state["status"]["errorSummary"].as_str().unwrap_or_default();
        let lines: Vec<&str> = summary.lines().collect();
        ensure!(lines.len() == 2 && state["status"]["result"] == "Invalid", "{summary}");
        let pool = "configuration error: IPAddressPool metallb-system/b: spec.addresses[0]: ";
        let community = "configuration error: Community metallb-system/b: spec.communities[0]";
        for start in [pool, community] {
            ensure!(lines.iter().any(|line| line.starts_with(start)), "{summary}");
        }
        Ok(())
    })?;
    cluster.delete("ipaddresspool", "b")?;
    cluster.delete("community", "b")
}
