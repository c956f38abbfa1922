//! One cluster for all rows; each row leaves it as it found it.

use anyhow::{Result, ensure};
use herald_e2e::cluster::{LIMIT, Node, Options, PEERS, Pod, Route, Router};
use herald_e2e::scrape::{Page, Reader};
use herald_e2e::{Cluster, Lab, Logged, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NAMESPACE: &str = "metallb-system";
/// What rows make, beside Services.
const KINDS: &str = "bgpadvertisements,ipaddresspools,communities,frrconfigurations";

pub struct Ground {
    pub cluster: Cluster,
    /// `web-1` to `web-3`, one on each node, with the label app=web.
    _web: Vec<Pod>,
    /// Peers or routers are not as the other rows expect them.
    changed: bool,
    /// What [`Ground::clear`] takes away beside what every row may make: kind and name.
    extra: Vec<(String, String)>,
    reader: Reader,
    _lab: Lab,
}

/// An object of Herald's own.
pub fn object(kind: &str, name: &str, spec: Value) -> Value {
    let version = match kind {
        "BGPPeer" => "metallb.io/v1beta2",
        "FRRConfiguration" => "frrk8s.metallb.io/v1beta1",
        _ => "metallb.io/v1beta1",
    };
    let metadata = json!({"name": name, "namespace": NAMESPACE, "labels": {"row": "yes"}});
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
    object["spec"] = spec;
    object
}

pub fn pool(name: &str, addresses: &[&str]) -> Value {
    object("IPAddressPool", name, json!({"addresses": addresses}))
}

pub fn advertisement(name: &str, spec: Value) -> Value {
    object("BGPAdvertisement", name, spec)
}

/// `nodeSelectors` that select exactly these nodes.
pub fn on(nodes: &[u8]) -> Value {
    let names: Vec<String> = nodes.iter().map(|node| format!("node-{node}")).collect();
    if names.is_empty() {
        return json!([{"matchLabels": {"nobody": "has-it"}}]);
    }
    json!([{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": names}]}])
}

/// A Service of type `LoadBalancer` with port 80 for the pods app=web.
#[derive(Clone)]
pub struct Wish(Value);

impl Wish {
    pub fn new(name: &str) -> Self {
        Self(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "default", "labels": {}, "annotations": {}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "web"},
                "ports": [{"port": 80, "targetPort": 8080}], "allocateLoadBalancerNodePorts": false},
        }))
    }

    pub fn with(mut self, parent: &str, field: &str, value: impl Into<Value>) -> Self {
        if let Some(object) = self.0.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.insert(field.to_owned(), value.into());
        }
        self
    }

    pub fn spec(self, field: &str, value: impl Into<Value>) -> Self {
        self.with("/spec", field, value)
    }

    pub fn labelled(self, key: &str, value: &str) -> Self {
        self.with("/metadata/labels", key, value)
    }

    pub fn annotated(self, key: &str, value: &str) -> Self {
        self.with("/metadata/annotations", key, value)
    }

    /// With these addresses, and of their families in their order.
    pub fn at(self, addresses: &[&str]) -> Self {
        let wish = self.annotated("metallb.io/loadBalancerIPs", &addresses.join(","));
        let families = addresses.iter().map(|ip| if ip.contains(':') { "IPv6" } else { "IPv4" });
        wish.families(&families.collect::<Vec<_>>())
    }

    pub fn families(self, families: &[&str]) -> Self {
        let policy = if families.len() > 1 { "RequireDualStack" } else { "SingleStack" };
        self.spec("ipFamilyPolicy", policy).spec("ipFamilies", json!(families))
    }

    pub fn app(self, app: &str) -> Self {
        self.spec("selector", json!({"app": app}))
    }

    pub fn local(self) -> Self {
        self.spec("externalTrafficPolicy", "Local")
    }

    pub fn into(self) -> Value {
        self.0
    }
}

/// A whole address as a prefix.
pub fn host(address: &str) -> String {
    format!("{address}/{}", if address.contains(':') { 128 } else { 32 })
}

impl Ground {
    pub fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let cluster = Cluster::start(&lab, &Options::default())?;
        let web =
            (1..=3).map(|node| cluster.pod(&format!("web-{node}"), "web", node)).collect::<Result<_>>()?;
        cluster.kube.apply(PEERS)?;
        cluster.wait_sessions(true).logged(|| cluster.logs())?;
        let reader = Reader::new(&cluster.kube, &lab.folder("tokens")?)?;
        Ok(Self { cluster, _web: web, changed: false, extra: Vec::new(), reader, _lab: lab })
    }

    pub fn apply(&self, objects: &[Value]) -> Result<()> {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        self.cluster.kube.apply(&list).map(drop)
    }

    /// Peers, profiles and Secrets beside the usual ones, until [`Ground::clear`].
    pub fn extra(&mut self, objects: &[Value]) -> Result<()> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
        self.extra.extend(objects.iter().map(|one| (text(&one["kind"]), text(&one["metadata"]["name"]))));
        self.apply(objects)
    }

    /// One of the usual peers is gone, until [`Ground::clear`].
    pub fn without_peer(&mut self, name: &str) -> Result<()> {
        self.changed = true;
        self.delete("bgppeer", name)
    }

    /// Waits until a node's page of this port is so.
    pub fn page(
        &self,
        what: &str,
        node: &Node,
        port: u16,
        holds: impl Fn(&Page) -> Result<()>,
    ) -> Result<Page> {
        let (what, place) = (format!("{}: {what}", node.name), format!("127.0.0.1:{port}"));
        let page = self.reader.until(&what, node.namespace(), &place, holds);
        page.logged(|| self.cluster.logs())
    }

    /// The same of every node.
    pub fn every_page(&self, what: &str, port: u16, holds: impl Fn(&Page) -> Result<()>) -> Result<()> {
        self.cluster.nodes.iter().try_for_each(|node| self.page(what, node, port, &holds).map(drop))
    }

    /// A pool of both families, and an advertisement of it to everybody.
    pub fn plain(&self) -> Result<()> {
        self.apply(&[
            pool("pool", &["198.51.100.0/24", "2001:db8:100::/120"]),
            advertisement("all", json!({})),
        ])
    }

    pub fn services(&self, wishes: &[Wish]) -> Result<()> {
        self.apply(&wishes.iter().map(|wish| wish.clone().into()).collect::<Vec<_>>())
    }

    pub fn delete(&self, kind: &str, name: &str) -> Result<()> {
        let namespace = if kind == "service" { "default" } else { NAMESPACE };
        self.cluster.kube.run(&["delete", kind, name, "--namespace", namespace]).map(drop)
    }

    /// Takes all peers away and makes these; [`Ground::clear`] puts the usual ones back.
    pub fn peers(&mut self, peers: &[Value]) -> Result<()> {
        self.changed = true;
        self.cluster.kube.run(&["delete", "bgppeers", "--all", "--namespace", NAMESPACE])?;
        // An empty list is refused.
        if peers.is_empty() { Ok(()) } else { self.apply(peers) }
    }

    /// Other sessions at the routers ([`Cluster::set_routers`]), until [`Ground::clear`].
    pub fn routers(&mut self, bird: &str, frr: &[&str]) -> Result<()> {
        self.changed = true;
        self.cluster.set_routers(bird, frr)
    }

    /// Exactly these nodes announce the addresses to both routers.
    pub fn announced(&self, addresses: &[&str], nodes: &[u8]) -> Result<()> {
        addresses.iter().try_for_each(|address| self.cluster.wait_routes(&host(address), nodes))
    }

    /// Waits until every route to `prefix` at `router` is as `wanted` says, and there is one from each of `nodes`.
    pub fn routes(
        &self,
        router: Router,
        prefix: &str,
        nodes: &[u8],
        wanted: impl Fn(&Route) -> bool,
    ) -> Result<()> {
        wait_for(&format!("routes to {prefix} at {router:?} are as wanted"), LIMIT, || {
            let had = self.cluster.announced(router, prefix, nodes)?;
            ensure!(had.iter().all(&wanted), "{had:?}");
            Ok(())
        })
        .logged(|| self.cluster.logs())
    }

    /// Exactly these prefixes are at a router, from whatever node.
    pub fn only(&self, router: Router, prefixes: &[&str]) -> Result<()> {
        let wanted: BTreeSet<&str> = prefixes.iter().copied().collect();
        wait_for(&format!("only {prefixes:?} at {router:?}"), LIMIT, || {
            let seen = self.cluster.prefixes(router)?;
            ensure!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>() == wanted, "{seen:?}");
            Ok(())
        })
        .logged(|| self.cluster.logs())
    }

    pub fn label(&self, node: u8, label: &str) -> Result<()> {
        self.cluster.kube.run(&["label", "node", &format!("node-{node}"), "--overwrite", label]).map(drop)
    }

    /// Everything a row made is gone, and no router has a route.
    pub fn clear(&mut self) -> Result<()> {
        let kube = &self.cluster.kube;
        let services = kube.get(&["services"])?;
        let names: Vec<&str> = services["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|service| service["metadata"]["name"].as_str())
            .filter(|name| *name != "kubernetes")
            .collect();
        if !names.is_empty() {
            kube.run(&[&["delete", "services"], &names[..]].concat())?;
        }
        kube.run(&["delete", KINDS, "--all", "--namespace", NAMESPACE])?;
        // Peers before the profiles that they name, which admission keeps till then.
        self.extra.sort_by_key(|(kind, _)| kind != "bgppeer");
        for (kind, name) in self.extra.drain(..) {
            kube.run(&["delete", &kind, &name, "--ignore-not-found", "--namespace", NAMESPACE])?;
        }
        if std::mem::take(&mut self.changed) {
            kube.run(&["delete", "bgppeers", "--all", "--namespace", NAMESPACE])?;
            kube.run(&["delete", "bfdprofiles,secrets", "--selector=row", "--namespace", NAMESPACE])?;
            self.cluster.set_routers("", &[])?;
            self.cluster.kube.apply(PEERS)?;
            self.cluster.wait_sessions(true).logged(|| self.cluster.logs())?;
        }
        self.only(Router::Bird, &[])?;
        self.only(Router::Frr, &[])
    }
}
