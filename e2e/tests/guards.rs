//! Guard rails, in the tables of real neighbours (docs/guard-rails.md).

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{Site, service};
use herald_e2e::{Agent, Bird, Gobgp, Logged, Release, wait_for};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);

/// A cluster that says what its networks are, and two neighbours.
const CLUSTER: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: node1, labels: {kubernetes.io/hostname: node1}}
spec: {podCIDRs: [10.244.1.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.1}, {type: InternalIP, address: "fd30::1"}]}
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.96.0.0/12]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: bird, namespace: m, annotations: {herald.metallb.io/max-prefixes: "5"}}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, connectTime: 1s, dualStackAddressFamily: true}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: gobgp, namespace: m}
spec: {myASN: 64500, peerASN: 64502, peerAddress: 172.30.0.3, connectTime: 1s, dualStackAddressFamily: true}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: good, namespace: m}
spec: {addresses: [192.0.2.0/24, "2001:db8::/64"]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: good, namespace: m}
spec: {ipAddressPools: [good]}
"#;

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    ipv4 { import all; export where source = RTS_STATIC; }; \
    ipv6 { import all; export where source = RTS_STATIC; next hop address fd30::2; }; }\n";

const GOBGP: &str = "[[neighbors]]\n[neighbors.config]\nneighbor-address = \"172.30.0.1\"\npeer-as = 64500\n\
    [[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"ipv4-unicast\"\n\
    [[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"ipv6-unicast\"\n";

struct Scene {
    site: Site,
    bird: Bird,
    gobgp: Gobgp,
}

impl Scene {
    /// With one good Service, which both neighbours have.
    fn new(bird: &str) -> Result<Self> {
        let mut site = Site::new(Release::V10, "")?;
        site.write("node.yaml", CLUSTER)?;
        site.write("good.yaml", &service("good", &["192.0.2.10"], true))?;
        site.record()?;
        site.start_agent()?;
        let (bird, gobgp) = (site.bird(bird)?, site.gobgp(64502, GOBGP)?);
        let scene = Self { site, bird, gobgp };
        scene.both_have("192.0.2.10/32")?;
        Ok(scene)
    }

    fn both_have(&self, prefix: &str) -> Result<()> {
        wait_for(&format!("both have {prefix}"), LIMIT, || {
            self.bird.routes_to(prefix)?;
            self.gobgp.routes_to(prefix).map(drop)
        })
        .logged(|| self.site.logs())
    }

    /// Records addresses; guard rails may complain and must not be in the way of that.
    fn record(&self) -> Result<()> {
        let folder = self.site.manifests.display().to_string();
        let done = self.site.herald.try_run(&["plan", "-f", &folder, "--write"])?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(!said.contains("not written"), "{said}");
        Ok(())
    }

    /// What a command says of the folder, on both its outputs.
    fn said(&self, command: &str) -> Result<String> {
        let folder = self.site.manifests.display().to_string();
        let done = self.site.herald.try_run(&[command, "-f", &folder])?;
        ensure!(done.status.code() == Some(1), "{command}: {done:?}");
        Ok(String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
    }

    /// The agent has said `reason` of `object`.
    fn agent_said(&self, reason: &str, object: &str) -> Result<()> {
        wait_for(&format!("the agent says {reason}"), LIMIT, || {
            let log = self.site.agent.as_ref().map(Agent::log).unwrap_or_default();
            ensure!(log.lines().any(|line| line.contains(reason) && line.contains(object)), "{log}");
            Ok(())
        })
    }

    fn prefixes(&self) -> Result<Vec<String>> {
        let mut all: Vec<String> = self.bird.routes()?.into_iter().map(|route| route.prefix).collect();
        all.sort();
        Ok(all)
    }
}

fn pool(name: &str, addresses: &str, advertisement: &str) -> String {
    format!(
        "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: {name}, namespace: m}}\n\
         spec: {{addresses: [{addresses}]}}\n---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n\
         metadata: {{name: {name}, namespace: m}}\nspec: {{ipAddressPools: [{name}], {advertisement}}}\n"
    )
}

#[test]
fn what_covers_the_clusters_own_networks_is_not_announced_and_the_rest_is() -> Result<()> {
    let scene = Scene::new(BIRD)?;
    let site = &scene.site;
    site.write("lan.yaml", &pool("lan", "172.30.0.0/24", "aggregationLength: 24"))?;
    site.write("pods.yaml", &pool("pods", "10.244.0.0/16", "aggregationLength: 16"))?;
    site.write("cluster.yaml", &pool("cluster", "10.96.0.0/12", "aggregationLength: 12"))?;
    site.write("node6.yaml", &pool("node6", "'fd30::1-fd30::9'", ""))?;
    // What a BGPAdvertisement names as an aggregate is inside the pool; an address of no pool is not.
    site.write("inside.yaml", &pool("inside", "203.0.113.0/24", "aggregationLength: 25"))?;
    for (name, address) in [
        ("lan", "172.30.0.77"),
        ("pods", "10.244.7.7"),
        ("cluster", "10.100.0.7"),
        ("node6", "fd30::1"),
        ("inside", "203.0.113.9"),
    ] {
        site.write(&format!("{name}-service.yaml"), &service(name, &[address], true))?;
    }
    let foreign = service("foreign", &["198.51.100.7"], true).replacen(
        "---\n",
        "status: {loadBalancer: {ingress: [{ip: 198.51.100.7}]}}\n---\n",
        1,
    );
    site.write("foreign.yaml", &foreign)?;
    scene.record()?;
    scene.both_have("203.0.113.0/25")?;
    for (reason, object) in [
        ("ClusterNetworkRefused", "BGPAdvertisement m/lan"),
        ("ClusterNetworkRefused", "BGPAdvertisement m/pods"),
        ("ClusterNetworkRefused", "BGPAdvertisement m/cluster"),
        ("ClusterNetworkRefused", "Service default/node6"),
        ("ForeignAddress", "Service default/foreign"),
    ] {
        scene.agent_said(reason, object)?;
        for command in ["plan", "validate", "render"] {
            let said = scene.said(command)?;
            ensure!(
                said.lines().any(|line| line.contains(reason) && line.contains(object)),
                "{command}: {said}"
            );
        }
    }
    ensure!(scene.said("plan")?.contains("clusterNetwork"), "the plan says why");
    // Proof that all of it has been applied: a change that came last is there, and nothing else.
    site.write("last.yaml", &service("last", &["192.0.2.99"], true))?;
    scene.record()?;
    scene.both_have("192.0.2.99/32")?;
    let all = scene.prefixes()?;
    ensure!(all == ["192.0.2.10/32", "192.0.2.99/32", "203.0.113.0/25"], "{all:?} {}", site.logs());
    ensure!(scene.gobgp.routes("ipv4")?.len() == 3 && scene.gobgp.routes("ipv6")?.is_empty());
    Ok(())
}

/// An FRRConfiguration that lists prefixes for BIRD.
fn listing(annotations: &str, prefixes: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n\
         metadata: {{name: extra, namespace: f, annotations: {{{annotations}}}}}\nspec:\n  bgp:\n    routers:\n\
         \x20     - asn: 64500\n        prefixes: [{prefixes}]\n        neighbors:\n          - {{address: 172.30.0.2, asn: 64501, \
         connectTime: 1s, dualStackAddressFamily: true, toAdvertise: {{allowed: {{mode: all}}}}}}\n"
    )
}

#[test]
fn what_is_listed_by_name_gets_a_warning_and_a_default_route_can_be_forbidden() -> Result<()> {
    let scene = Scene::new(BIRD)?;
    let forbidden = "herald.metallb.io/allow-default-route: 'false'";
    let listed = "0.0.0.0/0, '::/0', 10.244.0.0/16, 172.30.0.1/32";
    scene.site.write("extra.yaml", &listing(forbidden, listed))?;
    for prefix in ["10.244.0.0/16", "172.30.0.1/32"] {
        wait_for("what is listed arrives", LIMIT, || scene.bird.routes_to(prefix))
            .logged(|| scene.site.logs())?;
    }
    scene.agent_said("DefaultRouteRefused", "FRRConfiguration f/extra")?;
    scene.agent_said("ClusterNetworkAnnounced", "FRRConfiguration f/extra")?;
    ensure!(scene.said("validate")?.contains("DefaultRouteRefused"));
    scene.bird.lacks("0.0.0.0/0")?;
    scene.bird.lacks("::/0")?;

    scene.site.write("extra.yaml", &listing("", "0.0.0.0/0, '::/0', 10.244.0.0/16"))?;
    wait_for("the default routes arrive", LIMIT, || {
        scene.bird.routes_to("0.0.0.0/0")?;
        scene.bird.routes_to("::/0")
    })
    .logged(|| scene.site.logs())?;
    scene.agent_said("DefaultRouteAnnounced", "FRRConfiguration f/extra")?;
    scene.gobgp.lacks("0.0.0.0/0")
}

#[test]
fn a_neighbour_is_sent_no_more_than_its_maximum_and_what_it_has_stays() -> Result<()> {
    let mut scene = Scene::new(BIRD)?;
    for last in 21..25 {
        let name = format!("s{last}");
        scene.site.write(&format!("{name}.yaml"), &service(&name, &[&format!("192.0.2.{last}")], true))?;
    }
    scene.record()?;
    scene.both_have("192.0.2.24/32")?;
    scene.agent_said("NearMaxPrefixes", "BGPPeer m/bird")?;
    let five = scene.prefixes()?;
    ensure!(five.len() == 5, "{five:?}");

    // It would sort first. The other neighbour has no such maximum.
    scene.site.write("early.yaml", &service("early", &["192.0.2.1"], true))?;
    scene.record()?;
    wait_for("the other neighbour has it", LIMIT, || scene.gobgp.routes_to("192.0.2.1/32"))
        .logged(|| scene.site.logs())?;
    scene.agent_said("OverMaxPrefixes", "not sent: Service default/early")?;
    ensure!(scene.said("plan")?.contains("OverMaxPrefixes"));
    ensure!(scene.prefixes()? == five, "{:?}", scene.prefixes()?);

    scene.site.agent.take().context("no agent")?.process().kill()?;
    scene.site.start_agent()?;
    // Proof that the new agent has decided: one goes, and only then there is room.
    std::fs::remove_file(scene.site.manifests.join("s21.yaml"))?;
    wait_for("there is room", LIMIT, || scene.bird.routes_to("192.0.2.1/32")).logged(|| scene.site.logs())?;
    let mut now = five.clone();
    now.retain(|prefix| prefix != "192.0.2.21/32");
    now.insert(0, "192.0.2.1/32".to_owned());
    now.sort();
    ensure!(scene.prefixes()? == now, "{:?}", scene.prefixes()?);
    Ok(())
}

/// What BIRD announces itself: a prefix of each family, and one that a Service has, too.
const ORIGINS: &str = "protocol static four { ipv4; route 198.51.100.0/24 blackhole; route 198.18.0.0/16 blackhole; \
    route 192.0.2.10/32 blackhole; }\nprotocol static six { ipv6; route 2001:db8:9::/48 blackhole; }\n";

#[test]
fn what_one_neighbour_says_is_not_passed_on_unless_asked_for() -> Result<()> {
    let scene = Scene::new(&format!("{ORIGINS}{BIRD}"))?;
    let learn = listing("", "192.0.2.128/32")
        .replace("toAdvertise:", "toReceive: {allowed: {mode: all}}, toAdvertise:");
    scene.site.write("extra.yaml", &learn)?;
    for prefix in ["198.51.100.0/24", "2001:db8:9::/48", "192.0.2.10/32"] {
        let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
        wait_for("FRR learns it", LIMIT, || {
            let said = scene.site.frr.vtysh(&[&format!("show bgp {family} unicast {prefix} json")])?;
            ensure!(said.contains("64501"), "{said}");
            Ok(())
        })
        .logged(|| scene.site.logs())?;
    }
    // The Service goes, so what is learnt is all that there is of its prefix.
    scene.site.write("good.yaml", &service("good", &["192.0.2.10"], false))?;
    scene.site.write("last.yaml", &service("last", &["192.0.2.99"], true))?;
    scene.record()?;
    scene.both_have("192.0.2.99/32")?;
    wait_for("the Service's prefix leaves", LIMIT, || scene.gobgp.lacks("192.0.2.10/32"))
        .logged(|| scene.site.logs())?;
    let have: Vec<String> = scene.gobgp.routes("ipv4")?.into_iter().map(|route| route.prefix).collect();
    ensure!(have == ["192.0.2.99/32"] && scene.gobgp.routes("ipv6")?.is_empty(), "{have:?}");

    let asked = "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {name: transit, namespace: f}\n\
                 spec:\n  raw:\n    rawConfig: |\n      ip prefix-list transit seq 5 permit 198.51.100.0/24\n      \
                 route-map 172.30.0.3-out permit 1000\n       match ip address prefix-list transit\n      exit\n";
    scene.site.write("transit.yaml", asked)?;
    wait_for("what is asked for is passed on", LIMIT, || scene.gobgp.routes_to("198.51.100.0/24"))
        .logged(|| scene.site.logs())?;
    scene.gobgp.lacks("198.18.0.0/16")?;
    scene.gobgp.lacks("192.0.2.10/32")?;
    ensure!(scene.gobgp.routes("ipv6")?.is_empty(), "only that prefix was asked for");
    Ok(())
}
