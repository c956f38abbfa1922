//! One cluster with one operator for all rows; each row leaves it as it found it.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Operator, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// For whatever is waited for, on a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_secs(30);
const NAMESPACE: &str = "metallb-system";

pub struct Ground {
    pub lab: Lab,
    pub kube: Kube,
    pub operator: Operator,
}

/// A Service, as a row describes it: [`Ground::service`] makes it of type LoadBalancer with port 80.
#[derive(Clone)]
pub struct Wish(Value);

impl Wish {
    pub fn new(name: &str) -> Self {
        Self(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "default", "labels": {}, "annotations": {}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}],
                "allocateLoadBalancerNodePorts": false},
        }))
    }

    /// With a field: a JSON pointer into the object.
    pub fn with(mut self, parent: &str, field: &str, value: impl Into<Value>) -> Self {
        if let Some(object) = self.0.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.insert(field.to_owned(), value.into());
        }
        self
    }

    pub fn annotated(self, key: &str, value: &str) -> Self {
        self.with("/metadata/annotations", key, value)
    }

    pub fn labelled(self, key: &str, value: &str) -> Self {
        self.with("/metadata/labels", key, value)
    }

    pub fn namespace(self, name: &str) -> Self {
        self.with("/metadata", "namespace", name)
    }

    pub fn spec(self, field: &str, value: impl Into<Value>) -> Self {
        self.with("/spec", field, value)
    }

    pub fn port(self, port: u16) -> Self {
        self.spec("ports", json!([{"port": port}]))
    }

    pub fn local(self) -> Self {
        self.spec("externalTrafficPolicy", "Local")
    }

    /// Both families, if both can be had.
    pub fn prefers_both(self) -> Self {
        self.spec("ipFamilyPolicy", "PreferDualStack")
    }
}

impl Ground {
    pub fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let kube = Kube::installed(&lab)?;
        let mut operator = Operator::start(&lab, &kube, "first", &[])?;
        operator.wait_ready()?;
        Ok(Self { lab, kube, operator })
    }

    /// Applies objects; the webhooks may still be coming up.
    pub fn apply(&self, objects: &[Value]) -> Result<()> {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        wait_for("the objects are taken", LIMIT, || self.kube.apply(&list)).map(drop)
    }

    pub fn pool(&self, name: &str, addresses: &[&str]) -> Result<()> {
        self.pool_with(name, &json!({"addresses": addresses}))
    }

    pub fn pool_with(&self, name: &str, spec: &Value) -> Result<()> {
        self.apply(&[json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec})])
    }

    pub fn delete_pool(&self, name: &str) -> Result<()> {
        self.kube.run(&["delete", "ipaddresspool", name, "--namespace", NAMESPACE]).map(drop)
    }

    pub fn get_pool(&self, name: &str) -> Result<Value> {
        self.kube.get(&["ipaddresspool", name, "--namespace", NAMESPACE])
    }

    pub fn service(&self, wish: &Wish) -> Result<()> {
        self.apply(std::slice::from_ref(&wish.0))
    }

    /// As one who does not apply: the API server notes a create under its name.
    pub fn create(&self, wish: &Wish) -> Result<()> {
        self.kube.ask(async |client| {
            let path = "/api/v1/namespaces/default/services";
            let request = http::Request::post(path)
                .header("content-type", "application/json")
                .body(wish.0.to_string().into_bytes())?;
            client.request::<Value>(request).await.map(drop).context("create")
        })
    }

    pub fn services(&self, wishes: &[Wish]) -> Result<()> {
        self.apply(&wishes.iter().map(|wish| wish.0.clone()).collect::<Vec<_>>())
    }

    pub fn delete(&self, name: &str) -> Result<()> {
        self.kube.run(&["delete", "service", name]).map(drop)
    }

    pub fn get(&self, name: &str) -> Result<Value> {
        let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
        self.kube.get(&["service", name, "--namespace", namespace])
    }

    /// Waits until a Service shows exactly these.
    pub fn has(&self, name: &str, wanted: &str) -> Result<()> {
        self.has_any(name, &[wanted]).map(drop)
    }

    /// Waits until a Service shows one of these, and says which.
    pub fn has_any(&self, name: &str, wanted: &[&str]) -> Result<String> {
        wait_for(&format!("{name} has {wanted:?}"), LIMIT, || {
            let service = self.get(name)?;
            let shown = addresses(&service);
            ensure!(wanted.contains(&&*shown), "it has {shown:?}: {}", service["status"]["conditions"]);
            Ok(shown)
        })
    }

    /// Waits until a Service has a condition with this reason, and gives its status and message.
    pub fn says(&self, name: &str, kind: &str, reason: &str) -> Result<(String, String)> {
        wait_for(&format!("{kind} of {name} is {reason}"), LIMIT, || {
            let service = self.get(name)?;
            let conditions = service["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let condition = conditions.iter().find(|it| it["type"] == kind).context("it has none")?;
            ensure!(condition["reason"] == reason, "{condition}");
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            Ok((text("status"), text("message")))
        })
    }

    /// That a Service waits without an address, and why.
    pub fn waits(&self, name: &str, reason: &str) -> Result<String> {
        let (status, message) = self.says(name, "LoadBalancerAddressAllocated", reason)?;
        ensure!(status == "False", "{message}");
        self.has(name, "")?;
        Ok(message)
    }

    /// Waits until our Events about an object are these: reasons in the order of the alphabet, each as often as it was told.
    /// Events wait while addresses are written.
    pub fn told(&self, kind: &str, name: &str, reasons: &[&str]) -> Result<()> {
        wait_for("the Events", LIMIT, || {
            let events = self.events(kind, name)?;
            ensure!(events == reasons, "{kind} {name}: {events:?}");
            Ok(())
        })
    }

    /// Reasons of our Events about an object, each as often as it was told. The API server tells of Services, too: of a
    /// cluster address that its repair loop sees before its allocator's record.
    fn events(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        let about = format!("involvedObject.kind={kind},involvedObject.name={name}");
        let list = self.kube.get(&["events", "--all-namespaces", "--field-selector", &about])?;
        let mut reasons = Vec::new();
        for event in list["items"].as_array().context("a list")? {
            if event["reportingComponent"] != "metallb-controller" {
                continue;
            }
            let times =
                event["count"].as_u64().or_else(|| event["series"]["count"].as_u64()).unwrap_or(1).max(1);
            reasons.extend((0..times).map(|_| event["reason"].as_str().unwrap_or_default().to_owned()));
        }
        reasons.sort_unstable();
        Ok(reasons)
    }

    /// Everything a row made is gone.
    pub fn clear(&self) -> Result<()> {
        let list = self.kube.get(&["services", "--all-namespaces"])?;
        let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for service in list["items"].as_array().context("a list")? {
            let text = |key: &str| service["metadata"][key].as_str().unwrap_or_default().to_owned();
            if text("namespace") != NAMESPACE && text("name") != "kubernetes" {
                of.entry(text("namespace")).or_default().push(text("name"));
            }
        }
        for (namespace, names) in &of {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.kube.run(&[&["delete", "services", "--namespace", namespace], &names[..]].concat())?;
        }
        let kinds = "ipaddresspools,l2advertisements,bgpadvertisements,communities";
        self.kube.run(&["delete", kinds, "--all", "--namespace", NAMESPACE])?;
        self.kube.run(&["delete", "events", "--all", "--all-namespaces"]).map(drop)
    }
}

pub fn addresses(service: &Value) -> String {
    let ingress = service["status"]["loadBalancer"]["ingress"].as_array();
    let ips = ingress.into_iter().flatten().filter_map(|entry| entry["ip"].as_str());
    ips.collect::<Vec<_>>().join(",")
}
