//! `make demo-cluster`: the whole product on three nodes, from `kubectl apply` to a page through a router.

use crate::talk::Talk;
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{Cluster, LIMIT, Options, PEERS, POOL, Pod, Router};
use herald_e2e::{Lab, Logged, Operator, wait_for};
use serde_json::Value;
use std::time::Instant;

const WEB: &str = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default},
 spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
";
const ELSEWHERE: &str = "apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: default, annotations: {metallb.io/address-pool: private}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
";
const BAD: &str = "apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: twice, namespace: metallb-system}
spec: {addresses: [198.51.100.16/33, 198.51.100.200-198.51.100.100]}
";

pub fn run(talk: &Talk, keep: bool) -> Result<()> {
    let lab = Lab::new()?;
    talk.step("API server, controllers, operator, three nodes with FRR, kube-proxy and agent, a BIRD and an FRR router");
    println!("  (the first run on a machine builds Kubernetes' programs: minutes)");
    println!("  kubectl apply --server-side -k manifests");
    let mut cluster = Cluster::start(&lab, &Options { operators: 2, outlives: true, ..Options::default() })?;
    let pods = ["get", "pods", "--namespace=metallb-system", "--output=wide"];
    talk.shell(&format!("kubectl {}", pods.join(" ")), &cluster.kube.run(&pods)?);
    let shown = show(talk, &cluster);
    let (address, web) = shown.logged(|| cluster.logs())?;
    failover(talk, &mut cluster).logged(|| cluster.logs())?;
    if keep {
        lab.keep()?;
        talk.step("Left up (KEEP=1). To look around:");
        println!("{}", tour(&lab, &cluster, &address));
        // Dropping the processes would end them.
        std::process::exit(0);
    }
    drop(web);
    talk.step("Done; everything that was started is removed");
    Ok(())
}

/// A Service gets an address, a route and an answer; one endpoint goes, and its route with it.
fn show(talk: &Talk, cluster: &Cluster) -> Result<(String, Vec<Pod>)> {
    let kube = &cluster.kube;
    talk.step("A pool, an advertisement, a BGPPeer for each router; pods on node-1 and node-2, and a Service in front");
    talk.shell(
        "kubectl apply -f peers.yaml -f pool.yaml -f web.yaml",
        &kube.apply(&[PEERS, POOL, WEB].join("---\n"))?,
    );
    let mut web = vec![cluster.pod("web-1", "web", 1)?, cluster.pod("web-2", "web", 2)?];
    let started = Instant::now();
    let address = cluster.wait_address("web", '.')?;
    cluster.wait_routes(&format!("{address}/32"), &[1, 2])?;
    println!(
        "  both routers have both routes {} ms after that, sessions included",
        started.elapsed().as_millis()
    );
    talk.shell("kubectl get service web", &kube.run(&["get", "service", "web"])?);
    talk.shell(
        "kubectl get service web -o jsonpath=... (what it says of itself)",
        &conditions(&kube.get(&["services"])?),
    );

    talk.step("The frr.conf that node-1 runs");
    talk.shell("vtysh -c 'show running-config'", &cluster.node(1).frr.running()?);
    talk.step("What the routers have");
    let asked = format!("show route for {address}");
    talk.shell(&format!("birdc {asked} (the router of another AS)"), &cluster.bird.ask(&asked)?);
    let asked = format!("show bgp ipv4 unicast {address}");
    talk.shell(&format!("vtysh -c '{asked}' (the router of the same AS)"), &cluster.router.vtysh(&[&asked])?);
    let route = cluster.machine(Router::Bird).ip(&format!("route show {address}"))?;
    talk.shell("ip route (the first router's kernel: both ways are in use)", &route);

    talk.step("The client asks");
    cluster.wait_answers(&address, &["web-1", "web-2"])?;
    let pages = (0..4).map(|_| cluster.page(Router::Bird, &address)).collect::<Result<String>>()?;
    talk.shell(&format!("curl http://{address}/   (4 times)"), &pages);

    talk.step("web-2 is deleted");
    let last = web.pop().context("a pod")?;
    let started = Instant::now();
    cluster.remove_pod(last)?;
    cluster.wait_routes(&format!("{address}/32"), &[1])?;
    println!("  the routers have lost that route after {} ms", started.elapsed().as_millis());
    for _ in 0..4 {
        let page = cluster.page(Router::Bird, &address)?;
        ensure!(page.starts_with("web-1 "), "after the withdrawal: {page}");
    }
    refusals(talk, cluster)?;
    Ok((address, web))
}

/// A Service that can have no address says why, and a pool that cannot be is not stored.
fn refusals(talk: &Talk, cluster: &Cluster) -> Result<()> {
    talk.step("A Service of a pool that is not there, and a pool that cannot be");
    cluster.kube.apply(ELSEWHERE)?;
    wait_for("it is decided upon", LIMIT, || {
        let service = cluster.kube.get(&["service", "elsewhere"])?;
        ensure!(service["status"]["conditions"][0]["status"] == "False", "{}", service["status"]);
        talk.shell(
            "kubectl get service elsewhere -o jsonpath=...",
            &conditions(&serde_json::json!({"items": [service]})),
        );
        Ok(())
    })?;
    let refused = cluster.kube.apply(BAD).err().context("the pool is stored")?;
    talk.shell("kubectl apply -f pool.yaml", &format!("{refused:#}"));
    Ok(())
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

/// The leader is killed; the other one serves the next Service.
fn failover(talk: &Talk, cluster: &mut Cluster) -> Result<()> {
    talk.step("The leading operator is killed (SIGKILL), and a Service is made at once");
    let lease = cluster.kube.get(&["lease", "metallb-controller", "--namespace=metallb-system"])?;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
    let leader = cluster.operators.iter().position(|operator| holder.starts_with(operator.name()));
    let mut leader: Operator =
        cluster.operators.remove(leader.with_context(|| format!("nobody is {holder}"))?);
    leader.kill()?;
    let killed = Instant::now();
    cluster.kube.apply(&WEB.replace("name: web,", "name: late,"))?;
    let address = cluster.wait_address("late", '.')?;
    cluster.wait_routes(&format!("{address}/32"), &[1])?;
    println!("  it had its route {} ms after the kill", killed.elapsed().as_millis());
    talk.shell("kubectl get service late", &cluster.kube.run(&["get", "service", "late"])?);
    Ok(())
}

/// The commands to look around with.
fn tour(lab: &Lab, cluster: &Cluster, address: &str) -> String {
    let mut lines = vec![
        format!("kubectl   alias kubectl='{}'", cluster.kube.kubectl_words()),
        "          kubectl get ipaddresspools,services,events -A".to_owned(),
    ];
    for node in &cluster.nodes {
        lines.push(format!("{:<9} {} vtysh -c 'show bgp summary'", node.name, node.frr.enter().display()));
        lines.push(format!("{:<9} less {}", "", node.frr.folder().join("herald-agent.log").display()));
    }
    for operator in &cluster.operators {
        lines.push(format!("{:<9} less {}", operator.name(), operator.log_file().display()));
    }
    lines.push(format!("router    birdc -s {} show route all", cluster.bird.control().display()));
    lines.push(format!("client    ip netns exec {} curl http://{address}/", cluster.client.name()));
    lines.push(format!("remove    scripts/lab-clean {}     (or: make demo-clean)", lab.name()));
    format!("  {}\n", lines.join("\n  "))
}
