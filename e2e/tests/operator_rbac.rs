//! The operator's whole life with exactly the rights of `manifests/rbac`: none is missing, and none is there for nothing.

use anyhow::{Context, Result, ensure};
use herald_e2e::kube::audit::Asked;
use herald_e2e::{Kube, Lab, Operator, wait_for};
use std::collections::BTreeSet;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
const CONTROLLER: &str = "system:serviceaccount:metallb-system:controller";

/// Rights that no run uses, each with why it is granted all the same.
const UNUSED: [(&str, &str); 4] = [
    ("patch events", "one that is repeated is counted, and none is repeated here"),
    ("create configurationstates", "a patch that makes an object needs it, and is logged as a patch"),
    ("update bgppeers", "only objects that an older version stored are stored again: operator_webhooks.rs"),
    ("patch customresourcedefinitions/status", "the same"),
];

const CONFIGURATION: &str = "
apiVersion: v1
kind: Node
metadata: {name: node1}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: public, namespace: metallb-system}
spec: {addresses: [198.51.100.0/30]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: public, namespace: metallb-system}
spec: {ipAddressPools: [public], communities: [blue]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: public, namespace: metallb-system}
spec: {ipAddressPools: [public]}
---
apiVersion: metallb.io/v1beta1
kind: Community
metadata: {name: colours, namespace: metallb-system}
spec: {communities: [{name: blue, value: '64500:100'}]}
---
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: fast, namespace: metallb-system}
spec: {receiveInterval: 300}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.254, bfdProfile: fast, passwordSecret: {name: none-such}}
---
apiVersion: metallb.io/v1beta1
kind: BGPPeer
metadata: {name: old, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.253}
---
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: raw, namespace: metallb-system}
spec: {bgp: {routers: [{asn: 64500, neighbors: [{asn: 64502, address: 172.30.0.4}]}]}}
";

/// More than the pool has addresses for.
fn services() -> String {
    let one = |number| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web{number}, namespace: default}}\n\
             spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n"
        )
    };
    (0..6).map(one).collect::<Vec<_>>().join("---\n")
}

#[test]
fn the_operator_lives_with_its_rights_and_uses_all_of_them() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    let mut first = started(&lab, &kube, "operator1")?;
    live(&lab, &kube, &mut first).with_context(|| first.log())?;
    // Dropping the server fails the test for each right that is missing: here it is said which.
    let asked = kube.asked()?;
    let missing: Vec<&Asked> = asked.iter().filter(|asked| asked.forbidden).collect();
    ensure!(missing.is_empty(), "rights are missing: {missing:#?}");
    nothing_is_granted_for_nothing(&kube, &asked)
}

fn started(lab: &Lab, kube: &Kube, name: &str) -> Result<Operator> {
    let mut operator = Operator::start(lab, kube, name, &[])?;
    operator.wait_ready()?;
    Ok(operator)
}

/// Everything that an operator meets: configuration good and bad, Services that get an address and that do not, a pool that
/// fills, metrics that are read, a leader that is killed, a restart.
fn live(lab: &Lab, kube: &Kube, first: &mut Operator) -> Result<()> {
    wait_for("the configuration is admitted", LIMIT, || kube.apply(CONFIGURATION))?;
    kube.apply(&services())?;
    let addressed = |count: usize| {
        wait_for(&format!("{count} Services have an address"), LIMIT, || {
            let services = kube.get(&["services"])?;
            let services = services["items"].as_array().context("a list")?;
            let with =
                services.iter().filter(|one| !one["status"]["loadBalancer"]["ingress"].is_null()).count();
            ensure!(with == count, "{with} of {}", services.len());
            Ok(())
        })
    };
    addressed(4)?;
    wait_for("the pool's status says so", LIMIT, || {
        let pool = kube.get(&["ipaddresspool", "public", "--namespace=metallb-system"])?;
        ensure!(pool["status"]["assignedIPv4"] == 4, "{pool}");
        Ok(())
    })?;
    wait_for("the state of the configuration is told", LIMIT, || {
        let states = kube.get(&["configurationstates", "--namespace=metallb-system"])?;
        ensure!(states["items"][0]["status"]["result"] == "Valid", "{states}");
        Ok(())
    })?;
    metrics_are_asked_for(kube, first)?;
    states_of_nodes_without_frr_go(kube)?;
    let mut second = started(lab, kube, "operator2")?;
    first.kill()?;
    kube.run(&["delete", "service", "web0"])?;
    addressed(4)?;
    second.stop()?;
    let mut third = started(lab, kube, "operator3")?;
    kube.run(&["delete", "service", "web1", "web2", "web3", "web4"])?;
    addressed(1)?;
    third.stop()
}

// frr-k8s status: orphan FRRNodeState deleted
/// One node has a pod of FRR, the other has none.
fn states_of_nodes_without_frr_go(kube: &Kube) -> Result<()> {
    kube.apply(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: frr-1\n  namespace: metallb-system\n  \
         labels: {app.kubernetes.io/component: frr-k8s}\nspec:\n  nodeName: node1\n  serviceAccountName: controller\n  \
         containers: [{name: frr, image: none}]\n---\n\
         apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRNodeState\nmetadata: {name: node1}\n---\n\
         apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRNodeState\nmetadata: {name: gone}\n",
    )?;
    wait_for("the state of the node without FRR is gone, and the other is not", LIMIT, || {
        let states = kube.get(&["frrnodestates"])?;
        let names = states["items"].as_array().context("a list")?.iter().map(|one| &one["metadata"]["name"]);
        ensure!(names.eq(["node1"]), "{states}");
        Ok(())
    })
}

fn metrics_are_asked_for(kube: &Kube, operator: &Operator) -> Result<()> {
    let token = kube.token("default", "default").or_else(|_| {
        kube.run(&["create", "serviceaccount", "default"])?;
        kube.token("default", "default")
    })?;
    let header = format!("Authorization: Bearer {token}");
    let url = "https://127.0.0.1:9120/metrics";
    let arguments =
        ["-sSk", "--header", &header, "--output", "/dev/null", "--write-out", "%{http_code}", url];
    let status = operator.namespace().run("curl", &arguments)?;
    ensure!(status == "403", "{status}");
    Ok(())
}

/// `get` of what is listed and watched comes with it (upstream's roles have the three together, and so do reviewers' eyes).
fn nothing_is_granted_for_nothing(kube: &Kube, asked: &[Asked]) -> Result<()> {
    let used: BTreeSet<String> = asked
        .iter()
        .filter(|asked| asked.user == CONTROLLER)
        .map(|asked| format!("{} {}", asked.verb, asked.what))
        .collect();
    let mut granted = BTreeSet::new();
    for (kind, name) in [("clusterrole", "metallb-system:controller"), ("role", "controller")] {
        let role = kube.get(&[kind, name, "--namespace=metallb-system"])?;
        for rule in role["rules"].as_array().context("rules")? {
            let words = |field: &str| {
                let list = rule[field].as_array().cloned().unwrap_or_default();
                list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            let verbs = words("verbs");
            for resource in words("resources") {
                for verb in &verbs {
                    if verb != "get" || !verbs.contains(&"list".to_owned()) {
                        granted.insert(format!("{verb} {resource}"));
                    }
                }
            }
        }
    }
    let explained = |right: &String| UNUSED.iter().any(|(known, _)| known == right);
    let idle: Vec<&String> =
        granted.iter().filter(|right| !used.contains(*right) && !explained(right)).collect();
    ensure!(idle.is_empty(), "granted and never used: {idle:#?}; used: {used:#?}");
    Ok(())
}
