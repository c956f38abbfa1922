//! What `manifests/` says of a workload, read as a kubelet reads it.

use super::Kube;
use crate::herald::repository;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

pub const NAMESPACE: &str = "metallb-system";

/// Who a container is started as.
pub struct Pod<'a> {
    pub name: &'a str,
    /// Its own address, or with the host's network the node's.
    pub address: &'a str,
    /// Empty for a pod that stands on no node of the lab.
    pub node: &'a str,
}

/// Every object of the kustomization `manifests`, as `kubectl kustomize` prints it.
pub fn objects(kube: &Kube) -> Result<Vec<Value>> {
    let folder = repository().join("manifests").display().to_string();
    let all = kube.run(&["kustomize", &folder])?;
    serde_yaml::Deserializer::from_str(&all).map(|one| Ok(Value::deserialize(one)?)).collect()
}

/// The object of this kind and name in the operator's namespace, or in none.
pub fn object<'a>(objects: &'a [Value], kind: &str, name: &str) -> Result<&'a Value> {
    let found = objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.with_context(|| format!("manifests/ have no {kind} {name}"))
}

/// The container of a workload that has one.
pub fn container(workload: &Value) -> Result<&Value> {
    let containers = workload["spec"]["template"]["spec"]["containers"].as_array();
    match containers.map(Vec::as_slice) {
        Some([one]) => Ok(one),
        _ => anyhow::bail!("{} has not one container", workload["metadata"]["name"]),
    }
}

/// The container's arguments, those of a flag in `own` left out, and `own`.
pub fn arguments(container: &Value, own: &[&str]) -> Result<Vec<String>> {
    let flag = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
    let replaced: Vec<String> = own.iter().map(|argument| flag(argument)).collect();
    let mut all = Vec::new();
    for argument in container["args"].as_array().context("the container has no args")? {
        let argument = argument.as_str().context("an argument that is no text")?;
        if !(argument.starts_with('-') && replaced.contains(&flag(argument))) {
            all.push(argument.to_owned());
        }
    }
    all.extend(own.iter().map(|argument| (*argument).to_owned()));
    Ok(all)
}

/// The container's variables, filled as for this pod.
pub fn environment(container: &Value, pod: &Pod<'_>) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().context("a variable without name")?;
        let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            None => variable["value"].as_str().unwrap_or_default(),
            Some("metadata.name") => pod.name,
            Some("metadata.namespace") => NAMESPACE,
            Some("spec.nodeName") => pod.node,
            Some("status.podIP" | "status.hostIP") => pod.address,
            Some(other) => anyhow::bail!("{name}: the lab does not know {other}"),
        };
        all.push((name.to_owned(), value.to_owned()));
    }
    Ok(all)
}
