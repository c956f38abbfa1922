//! The node's part of `manifests/`: a cluster takes it, its pods are made, and what the lab runs is what they say.

use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::Options;
use herald_e2e::{Cluster, Frr, Lab, Process, Release, output, repository, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
const AGENT: &str = "system:serviceaccount:metallb-system:speaker";

// One test, so that one cluster serves all of it.
#[test]
fn the_nodes_part_runs_as_its_manifests_say() -> Result<()> {
    let lab = Lab::new()?;
    let mut cluster = Cluster::start(&lab, &Options::default())?;
    applying_again_changes_nothing(&cluster)?;
    pods_are_made(&cluster)?;
    folders_are_shared(&cluster)?;
    rights_are_least(&cluster)?;
    agents_are_bound(&mut cluster)?;
    frr_runs_with_its_capabilities(&lab, &cluster)
}

/// Strictly checked, and as tools that follow a Git repository do every few minutes.
fn applying_again_changes_nothing(cluster: &Cluster) -> Result<()> {
    let folder = repository().join("manifests").display().to_string();
    let words = ["apply", "--server-side", "--validate=strict", "--kustomize", &folder];
    let generations = || -> Result<Vec<Value>> {
        let list =
            cluster.kube.get(&["daemonsets,configmaps,serviceaccounts", "--namespace=metallb-system"])?;
        let items = list["items"].as_array().context("a list")?.iter();
        Ok(items
            .filter(|item| item["kind"] != "DaemonSet")
            .map(|item| item["metadata"]["resourceVersion"].clone())
            .chain(
                list["items"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|item| item["metadata"]["generation"].clone()),
            )
            .collect())
    };
    let before = generations()?;
    cluster.kube.run(&words)?;
    ensure!(before == generations()?, "the second apply wrote something");
    Ok(())
}

fn daemonset(cluster: &Cluster, name: &str) -> Result<Value> {
    cluster.kube.get(&["daemonset", name, "--namespace=metallb-system"])
}

/// One for each node, by MetalLB's and frr-k8s' names and labels; admission took them.
fn pods_are_made(cluster: &Cluster) -> Result<()> {
    for (name, app, account) in [("speaker", "metallb", "speaker"), ("frr-k8s", "frr-k8s", "frr-k8s-daemon")]
    {
        let set = wait_for("the DaemonSet's pods are ready", LIMIT, || {
            let set = daemonset(cluster, name)?;
            ensure!(
                set["status"]["numberReady"] == 3 && set["status"]["desiredNumberScheduled"] == 3,
                "{}",
                set["status"]
            );
            Ok(set)
        })?;
        let template = &set["spec"]["template"];
        ensure!(template["metadata"]["labels"] == json!({"app": app, "component": name}), "{template}");
        ensure!(template["spec"]["hostNetwork"] == true, "{template}");
        ensure!(template["spec"]["serviceAccountName"] == account, "{template}");
        let tolerated: BTreeSet<&str> = template["spec"]["tolerations"]
            .as_array()
            .context("tolerations")?
            .iter()
            .filter_map(|toleration| toleration["key"].as_str())
            .collect();
        let wanted = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
        ensure!(tolerated == wanted.into(), "{tolerated:?}");
        let container = &template["spec"]["containers"][0];
        ensure!(container["securityContext"]["readOnlyRootFilesystem"] == true, "{container}");
        ensure!(container["securityContext"]["privileged"].is_null(), "{container}");
    }
    let frr = daemonset(cluster, "frr-k8s")?;
    let security = &frr["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"];
    let wanted = json!({"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "SYS_ADMIN", "SETUID", "SETGID"]});
    ensure!(*security == wanted, "{security}");
    ensure!(frr["spec"]["template"]["spec"]["automountServiceAccountToken"] == false, "FRR has a token");
    Ok(())
}

/// Where the agent finds FRR's sockets and leaves the file to boot from is where FRR has them.
fn folders_are_shared(cluster: &Cluster) -> Result<()> {
    let host = |name: &str, mount: &str| -> Result<Value> {
        let spec = daemonset(cluster, name)?["spec"]["template"]["spec"].clone();
        let mounts = spec["containers"][0]["volumeMounts"].as_array().context("mounts")?;
        let mount = mounts
            .iter()
            .find(|own| own["mountPath"] == mount)
            .with_context(|| format!("{name}: {mount}"))?;
        let volumes = spec["volumes"].as_array().context("volumes")?;
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).context("its volume")?;
        Ok(volume["hostPath"]["path"].clone())
    };
    for mount in ["/run/frr", "/etc/frr"] {
        let (agent, frr) = (host("speaker", mount)?, host("frr-k8s", mount)?);
        ensure!(agent.is_string() && agent == frr, "{mount}: {agent} and {frr}");
    }
    Ok(())
}

/// What an agent must never be able to do.
fn rights_are_least(cluster: &Cluster) -> Result<()> {
    let can = |verb: &str, what: &str, namespace: &str| -> Result<bool> {
        let (what, sub) = what.strip_suffix("/status").map_or((what, ""), |what| (what, "status"));
        let sub = format!("--subresource={sub}");
        let words = ["auth", "can-i", verb, what, &sub, "--namespace", namespace, "--as", AGENT];
        Ok(cluster.kube.kubectl(&words).output()?.status.success())
    };
    for (verb, what) in
        [("watch", "services"), ("list", "endpointslices"), ("watch", "nodes"), ("list", "namespaces")]
    {
        ensure!(can(verb, what, "default")?, "{verb} {what} is missing");
    }
    for (verb, what) in [
        ("patch", "services/status"),
        ("update", "services"),
        ("patch", "nodes"),
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("delete", "pods"),
        ("update", "leases"),
    ] {
        ensure!(!can(verb, what, "default")?, "{verb} {what} is granted");
    }
    for (verb, what) in [
        ("patch", "ipaddresspools.metallb.io"),
        ("update", "bgppeers.metallb.io"),
        ("update", "secrets"),
        ("create", "secrets"),
        ("patch", "daemonsets.apps"),
    ] {
        ensure!(!can(verb, what, "metallb-system")?, "{verb} {what} is granted in its own namespace");
    }
    Ok(())
}

/// The running agents have the user, groups and capabilities of the container, and cannot get more.
fn agents_are_bound(cluster: &mut Cluster) -> Result<()> {
    for node in &mut cluster.nodes {
        let id = node.agent()?.id();
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            line.map(str::trim).with_context(|| format!("{name}: {status}"))
        };
        ensure!(field("Name")? == "herald-agent", "{status}");
        ensure!(field("Uid")? == "0\t0\t0\t0", "{status}");
        // CAP_NET_RAW is number 13.
        for set in ["CapPrm", "CapEff", "CapBnd"] {
            ensure!(u64::from_str_radix(field(set)?, 16)? == 1 << 13, "{set}: {status}");
        }
        ensure!(field("CapAmb")? == "0000000000000000" && field("NoNewPrivs")? == "1", "{status}");
        let group = node.frr.command("getent").args(["group", "frrvty"]).output()?.stdout;
        let group = String::from_utf8_lossy(&group).split(':').nth(2).unwrap_or_default().to_owned();
        ensure!(field("Groups")? == group && !group.is_empty(), "{status}");
    }
    Ok(())
}

/// FRR starts and answers its probes with the capabilities and groups of its container, after what its init container does with
/// its own.
fn frr_runs_with_its_capabilities(lab: &Lab, cluster: &Cluster) -> Result<()> {
    let mut frr = Frr::start(lab, &lab.namespace("caps")?, Release::V10, "frr defaults traditional\n")?;
    frr.kill_all()?;
    let spec = daemonset(cluster, "frr-k8s")?["spec"]["template"]["spec"].clone();
    let (init, main) = (&spec["initContainers"][0], &spec["containers"][0]);
    ensure!(spec["securityContext"]["supplementalGroups"].as_array().is_some_and(|groups| groups.len() == 1));
    // What a kubelet mounts. The ConfigMap stands where the lab has its files; the paths of the image are FRR's own.
    let own = lab.folder("frr-caps")?;
    for folder in ["etc", "run", "lib"] {
        fs::create_dir_all(own.join("pod").join(folder))?;
    }
    let startup = frr.inside(&lab.folder("startup-node-1")?)?.display().to_string();
    let pod = frr.inside(&own.join("pod"))?.display().to_string();
    let enter = format!(
        "mount --bind {pod}/etc /etc/frr; mount --bind {pod}/run /run/frr; mount --bind {pod}/lib /var/lib/frr; exec \"$@\""
    );
    let run = |container: &Value, program: &[String]| {
        let mut command = frr.command("/bin/sh");
        command.args(["-ec", &enter, "sh", "/usr/bin/setpriv", "--groups=frrvty", "--inh-caps=-all"]);
        command.arg("--ambient-caps=-all").arg(bounding(container)).args(program);
        command
    };
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| word.replace("/etc/herald/frr", &startup)).collect()
    };
    output(&mut run(init, &words(&init["command"])))?;
    // A second start of the pod finds the folders as the first one left them.
    output(&mut run(init, &words(&init["command"])))?;
    let watchfrr =
        Process::spawn("watchfrr", run(main, &words(&main["command"])), &own.join("watchfrr.log"))?;
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        wait_for(&format!("the {probe} succeeds"), LIMIT, || {
            output(&mut run(main, &words(&main[probe]["exec"]["command"])))
        })
        .with_context(|| watchfrr.log())?;
    }
    Ok(())
}

/// The container's capabilities, as setpriv limits them.
fn bounding(container: &Value) -> String {
    let added = container["securityContext"]["capabilities"]["add"].as_array();
    let names = added.into_iter().flatten().filter_map(Value::as_str).map(str::to_lowercase);
    std::iter::once("--bounding-set=-all".to_owned()).chain(names).collect::<Vec<_>>().join(",+")
}
