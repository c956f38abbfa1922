//! `make demo-cluster`: the same lab, with a real API server in the folder's place for everything that the operator does.
//!
//! The agents still read a folder. What the API server holds is written there with `kubectl get`, as anybody could.

use crate::talk::Talk;
use anyhow::{Context, Result, ensure};
use herald_e2e::quickstart::Quickstart;
use herald_e2e::{Kube, Lab, Operator, repository, wait_for};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(1);
/// What the agents plan from.
const KINDS: &str = "nodes,services,endpointslices.discovery.k8s.io,ipaddresspools.metallb.io,bgppeers.metallb.io,\
                     bgpadvertisements.metallb.io";
const BAD: &str = "apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: twice, namespace: metallb-system}
spec: {addresses: [198.51.100.16/33, 198.51.100.200-198.51.100.100]}
";
const MORE: &str = "apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: default, annotations: {metallb.io/address-pool: private}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 53, protocol: UDP}]}
";

pub fn run(talk: &Talk, keep: bool) -> Result<()> {
    let lab = Lab::new()?;
    talk.step("A Kubernetes API server and etcd (the first run on a machine builds them: minutes)");
    let kube = Kube::start(&lab)?;
    talk.shell("kubectl version", &kube.run(&["version"])?);

    talk.step("CRDs, RBAC, webhooks and Deployment: kubectl apply --server-side -k manifests");
    kube.install("manifests")?;

    talk.step("Two replicas of the operator, as the Deployment says and with its ServiceAccount's rights");
    let mut operators = Vec::new();
    for name in ["controller-1", "controller-2"] {
        let mut operator = Operator::start(&lab, &kube, name, &[])?;
        operator.wait_ready()?;
        operators.push(operator);
    }
    let lease = ["get", "lease", "metallb-controller", "--namespace=metallb-system"];
    talk.shell(&format!("kubectl {}", lease.join(" ")), &kube.run(&lease)?);

    let logs = |operators: &[Operator]| operators.iter().map(Operator::log).collect::<String>();
    let address = addresses(talk, &kube).with_context(|| logs(&operators))?;
    let network = traffic(talk, &lab, &kube, &address)?;
    failover(talk, &kube, &mut operators).with_context(|| logs(&operators))?;
    if keep {
        lab.keep()?;
        talk.step("Left up (KEEP=1). To look around:");
        println!("{}", tour(&lab, &kube, &network, &operators, &address));
        // Dropping the processes would end them.
        std::process::exit(0);
    }
    talk.step("Done; everything that was started is removed");
    Ok(())
}

/// A pool, Services that get an address and one that does not, an edit that is refused.
fn addresses(talk: &Talk, kube: &Kube) -> Result<String> {
    talk.step(
        "The quickstart's manifests: nodes, a pool, a peer, an advertisement, a Service with endpoints",
    );
    let example = repository().join("docs/examples/quickstart").display().to_string();
    let apply = ["apply", "--server-side", "--filename", &example];
    let said = wait_for("the manifests are admitted", LIMIT, || kube.run(&apply))?;
    talk.shell("kubectl apply --server-side -f docs/examples/quickstart", &said);
    let address = wait_for("the Service has an address", LIMIT, || {
        let service = kube.get(&["service", "web"])?;
        let address = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().context("none yet")?;
        ensure!(service["status"]["conditions"][1]["status"] == "True", "{}", service["status"]);
        Ok(address.to_owned())
    })?;
    kube.apply(MORE)?;
    wait_for("the others are decided upon", LIMIT, || {
        let (dns, elsewhere) = (kube.get(&["service", "dns"])?, kube.get(&["service", "elsewhere"])?);
        ensure!(dns["status"]["loadBalancer"]["ingress"][0]["ip"].is_string(), "{}", dns["status"]);
        ensure!(elsewhere["status"]["conditions"][0]["status"] == "False", "{}", elsewhere["status"]);
        Ok(())
    })?;
    talk.shell("kubectl get services", &kube.run(&["get", "services"])?);
    talk.shell(
        "kubectl get services -o jsonpath=... (what each Service says of itself)",
        &conditions(&kube.get(&["services"])?),
    );
    talk.shell("kubectl get events", &kube.run(&["get", "events"])?);

    talk.step("A pool that cannot be: the webhook names every problem");
    let refused = kube.apply(BAD).err().context("the pool is stored")?;
    talk.shell("kubectl apply -f pool.yaml", &format!("{refused:#}"));
    Ok(address)
}

fn conditions(services: &Value) -> String {
    let mut text = String::new();
    for service in services["items"].as_array().into_iter().flatten() {
        for condition in service["status"]["conditions"].as_array().into_iter().flatten() {
            let word = |field: &str| condition[field].as_str().unwrap_or_default();
            let name = service["metadata"]["name"].as_str().unwrap_or_default();
            text.extend([name, "  ", word("type"), "=", word("status"), " ", word("reason"), ": "]);
            text.extend([word("message"), "\n"]);
        }
    }
    text
}

/// The agents announce what the operator gave out.
fn traffic(talk: &Talk, lab: &Lab, kube: &Kube, address: &str) -> Result<Quickstart> {
    talk.step("Two nodes, a router and a client; the agents get what the API server holds as a folder");
    let folder = lab.folder("manifests")?;
    export(kube, &folder)?;
    talk.shell(&format!("kubectl get -A -o yaml {KINDS} > {}/cluster.yaml", folder.display()), "");
    let mut network = Quickstart::start(lab, folder, address)?;
    let shown = show(talk, &mut network, address);
    shown.with_context(|| network.logs())?;
    Ok(network)
}

fn show(talk: &Talk, network: &mut Quickstart, address: &str) -> Result<()> {
    network.start_agents()?;
    network.wait_for_routes(address, 2, LIMIT)?;
    talk.shell("ip route (the router's kernel)", &network.kernel_route(address)?);
    talk.shell(&format!("curl http://{address}/"), &network.page(address)?);
    Ok(())
}

fn export(kube: &Kube, folder: &Path) -> Result<()> {
    let objects = kube.run(&["get", "--all-namespaces", "--output=yaml", KINDS])?;
    fs::write(folder.join("cluster.yaml"), objects).context("write the folder")
}

/// The leader is killed; the other one serves the next Service.
fn failover(talk: &Talk, kube: &Kube, operators: &mut Vec<Operator>) -> Result<()> {
    talk.step("The leader is killed (SIGKILL), and a Service is made at once");
    let lease = kube.get(&["lease", "metallb-controller", "--namespace=metallb-system"])?;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
    let leader = operators.iter().position(|operator| holder.starts_with(operator.name()));
    let mut leader = operators.remove(leader.with_context(|| format!("nobody is {holder}"))?);
    leader.kill()?;
    let killed = Instant::now();
    let late = MORE.split("---\n").nth(1).unwrap_or_default().replace("name: dns", "name: late");
    kube.apply(&late)?;
    wait_for("it has an address", LIMIT, || {
        let service = kube.get(&["service", "late"])?;
        let address = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().context("none yet")?;
        Ok(address.to_owned())
    })?;
    println!("  it had its address {} ms after the kill", killed.elapsed().as_millis());
    talk.shell("kubectl get service late", &kube.run(&["get", "service", "late"])?);
    Ok(())
}

/// The commands to look around with.
fn tour(lab: &Lab, kube: &Kube, network: &Quickstart, operators: &[Operator], address: &str) -> String {
    let mut lines = vec![
        format!("kubectl   alias kubectl='{}'", kube.kubectl_words()),
        "          kubectl get ipaddresspools,services,events -A".to_owned(),
    ];
    for operator in operators {
        lines.push(format!("{:<9} less {}", operator.name(), operator.log_file().display()));
    }
    lines.push(format!("client    ip netns exec {} curl http://{address}/", network.client.name()));
    lines.push(format!("remove    scripts/lab-clean {}     (or: make demo-clean)", lab.name()));
    format!("  {}\n", lines.join("\n  "))
}
