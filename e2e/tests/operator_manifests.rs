//! What `manifests/` says is what a cluster takes, what the controllers make pods of, and what the tests run.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, repository, wait_for};
use serde_json::Value;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
const CONTROLLER: &str = "system:serviceaccount:metallb-system:controller";

// One test, so that one server serves all of it.
#[test]
fn a_cluster_takes_the_manifests() -> Result<()> {
    let lab = Lab::new()?;
    let mut kube = Kube::installed(&lab)?;
    applying_again_changes_nothing(&kube)?;
    services_select_the_pods(&kube)?;
    rights_are_least(&kube)?;
    kube.start_controllers()?;
    pods_are_made(&kube)
}

/// As tools that follow a Git repository do every few minutes.
fn applying_again_changes_nothing(kube: &Kube) -> Result<()> {
    let folder = repository().join("manifests").display().to_string();
    let versions = |kind: &str| -> Result<Vec<Value>> {
        let list = kube.get(&[kind, "--all-namespaces"])?;
        let items = list["items"].as_array().context("a list")?.iter();
        Ok(items.map(|item| item["metadata"]["resourceVersion"].clone()).collect())
    };
    let kinds = "deployments,services,secrets,clusterroles,roles,clusterrolebindings,rolebindings,serviceaccounts,\
                 validatingwebhookconfigurations";
    let before = versions(kinds)?;
    kube.run(&["apply", "--server-side", "--validate=strict", "--kustomize", &folder])?;
    ensure!(before == versions(kinds)?, "the second apply wrote something");
    // What a reviewer's `kubectl diff` shows: nothing.
    kube.run(&["diff", "--server-side", "--kustomize", &folder]).map(drop)
}

/// Each Service finds the pods of the Deployment and a port of theirs by name.
fn services_select_the_pods(kube: &Kube) -> Result<()> {
    let deployment = kube.get(&["deployment", "controller", "--namespace=metallb-system"])?;
    let template = &deployment["spec"]["template"];
    ensure!(deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"], "{deployment}");
    let ports = template["spec"]["containers"][0]["ports"].as_array().context("ports")?;
    let services = kube.get(&["services", "--namespace=metallb-system"])?;
    let services = services["items"].as_array().context("a list")?;
    ensure!(!services.is_empty(), "no Service is installed");
    for service in services {
        let name = &service["metadata"]["name"];
        for (key, value) in service["spec"]["selector"].as_object().context("a selector")? {
            ensure!(template["metadata"]["labels"][key] == *value, "{name} selects {key}: {value}");
        }
        for port in service["spec"]["ports"].as_array().context("ports")? {
            let target = &port["targetPort"];
            let known = |port: &Value| port["name"] == *target || port["containerPort"] == *target;
            ensure!(ports.iter().any(known), "{name}: no pod has the port {target}");
        }
    }
    Ok(())
}

/// What the operator must never be able to do, and what it cannot do without.
fn rights_are_least(kube: &Kube) -> Result<()> {
    let can = |verb: &str, what: &str, namespace: &str| -> Result<bool> {
        // `services/status` is a subresource; what stands behind another slash is a name.
        let (what, sub) = what.strip_suffix("/status").map_or((what, ""), |what| (what, "status"));
        let sub = format!("--subresource={sub}");
        let words = ["auth", "can-i", verb, what, &sub, "--namespace", namespace, "--as", CONTROLLER];
        let done = kube.kubectl(&words).output()?;
        Ok(done.status.success())
    };
    for (verb, what) in [
        ("patch", "services/status"),
        ("list", "endpointslices"),
        ("watch", "nodes"),
        ("create", "events"),
        ("create", "tokenreviews"),
    ] {
        ensure!(can(verb, what, "default")?, "{verb} {what} is missing");
    }
    for (verb, what) in [
        ("update", "services"),
        ("patch", "services"),
        ("delete", "services"),
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "pods"),
        ("patch", "nodes"),
        ("delete", "customresourcedefinitions"),
        ("patch", "customresourcedefinitions"),
        ("create", "validatingwebhookconfigurations"),
        ("delete", "validatingwebhookconfigurations/metallb-webhook-configuration"),
        ("update", "validatingwebhookconfigurations/another"),
        ("create", "clusterroles"),
        ("patch", "leases"),
    ] {
        ensure!(!can(verb, what, "default")?, "{verb} {what} is granted");
    }
    for (verb, what) in [
        ("delete", "bgppeers.metallb.io"),
        ("delete", "ipaddresspools.metallb.io"),
        ("patch", "ipaddresspools.metallb.io"),
        ("delete", "secrets"),
        ("update", "secrets/another"),
        ("update", "leases/another"),
        ("update", "deployments.apps/controller"),
    ] {
        ensure!(!can(verb, what, "metallb-system")?, "{verb} {what} is granted in its own namespace");
    }
    Ok(())
}

/// The controllers make two pods, so admission (pod security, the `ServiceAccount`) takes the template; they would run as
/// nobody, without any capability, on a root file system that cannot be written.
fn pods_are_made(kube: &Kube) -> Result<()> {
    let pods = wait_for("two pods are made", LIMIT, || {
        let pods = kube.get(&["pods", "--namespace=metallb-system", "--selector=component=controller"])?;
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        ensure!(pods.len() == 2, "{} pods", pods.len());
        Ok(pods)
    })?;
    for pod in pods {
        let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
        let (ours, security) = (&spec["securityContext"], &container["securityContext"]);
        ensure!(spec["serviceAccountName"] == "controller", "{spec}");
        ensure!(ours["runAsNonRoot"] == true && ours["runAsUser"] == 65534, "{ours}");
        ensure!(ours["fsGroup"] == 65534 && ours["seccompProfile"]["type"] == "RuntimeDefault", "{ours}");
        ensure!(spec["hostNetwork"].is_null(), "it would stand in the node's network");
        ensure!(security["capabilities"]["drop"] == serde_json::json!(["ALL"]), "{security}");
        ensure!(security["capabilities"]["add"].is_null(), "{security}");
        ensure!(security["readOnlyRootFilesystem"] == true, "{security}");
        ensure!(security["allowPrivilegeEscalation"] == false, "{security}");
        ensure!(container["readinessProbe"]["httpGet"]["path"] == "/readyz", "{container}");
    }
    // Only the namespace's label lets more than that in; nothing of the operator needs it.
    let restricted = kube.run(&[
        "label",
        "namespace",
        "metallb-system",
        "--overwrite",
        "--dry-run=server",
        "pod-security.kubernetes.io/enforce=restricted",
    ])?;
    ensure!(!restricted.contains("violate"), "{restricted}");
    Ok(())
}
