//! Whatever happens to the API server, to an object in it or to the clock: the operator goes on by itself, loses nothing and
//! does not spin.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Logged, Operator, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Enough for whatever is waited for, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_mins(2);
/// How long the API server hangs.
const HANGS: Duration = Duration::from_secs(30);
/// The most that a program that only waits may use of a processor: a debug build, its Lease, its watches.
const IDLE: f64 = 0.25;
/// Lets a program see another time of day; its monotonic clock runs on.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

struct Cluster {
    // They end in this order.
    operator: Operator,
    kube: Kube,
    _lab: Lab,
    /// Says what time of day it is for the operator, as libfaketime writes it.
    clock: PathBuf,
}

// One cluster for all of them: what one leaves behind is what the next one starts with.
#[test]
fn it_goes_on_by_itself() -> Result<()> {
    let lab = Lab::new()?;
    let mut kube = Kube::installed(&lab)?;
    // An API server that has just started knows no rights for a moment, and says no to everything.
    kube.allow_forbidden();
    let clock = lab.folder("clock")?.join("now");
    fs::write(&clock, "+0")?;
    an_object_that_nobody_can_read(&kube)?;
    let operator = start(&lab, &kube, &clock)?;
    let mut cluster = Cluster { operator, kube, _lab: lab, clock };
    cluster.operator.wait_ready()?;
    cluster.unreadable().context("an object that cannot be read")?;
    cluster.clock_jumps().context("a clock that jumps")?;
    cluster.api_restarts().context("a restart of the API server")?;
    cluster.compaction().context("a compaction of etcd")?;
    cluster.api_hangs().context("an API server that hangs")?;
    Ok(())
}

fn start(lab: &Lab, kube: &Kube, clock: &Path) -> Result<Operator> {
    ensure!(Path::new(FAKETIME).exists(), "{FAKETIME} is missing: run scripts/lab-setup");
    let kubeconfig = kube.service_account_kubeconfig("metallb-system", "controller")?;
    let file = clock.display().to_string();
    let variables = [
        ("LD_PRELOAD", FAKETIME),
        ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    Operator::start_with(lab, kube, "operator", &kubeconfig, &variables, &[])
}

/// As after an upgrade whose schema is stricter than the one that an object was stored under.
fn an_object_that_nobody_can_read(kube: &Kube) -> Result<()> {
    let name = "ipaddresspools.metallb.io";
    let webhooks = "validatingwebhookconfigurations";
    let stored = kube.get(&["customresourcedefinition", name])?;
    kube.run(&["delete", webhooks, "metallb-webhook-configuration", "--ignore-not-found"])?;
    let anything = json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema",
        "value": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}]);
    kube.run(&["patch", "customresourcedefinition", name, "--type=json", "--patch", &anything.to_string()])?;
    let bad = json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
        "metadata": {"name": "strange", "namespace": "metallb-system"}, "spec": {"addresses": {"from": 7}}});
    wait_for("the strange pool is stored", LIMIT, || kube.apply(&bad.to_string()))?;
    let strict = json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema",
        "value": stored["spec"]["versions"][0]["schema"]["openAPIV3Schema"]}]);
    kube.run(&["patch", "customresourcedefinition", name, "--type=json", "--patch", &strict.to_string()])?;
    kube.install("manifests")
}

impl Cluster {
    fn service(&self, name: &str) -> Result<String> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}]},
        });
        self.kube.apply(&service.to_string())
    }

    fn address(&self, name: &str) -> Result<String> {
        wait_for("it has an address", LIMIT, || {
            let service = self.kube.get(&["service", name])?;
            let ip = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str();
            ip.map(ToOwned::to_owned).with_context(|| format!("{}", service["status"]))
        })
        .logged(|| self.operator.log())
    }

    /// A new Service gets an address, and no other is written.
    fn goes_on(&mut self, name: &str, before: &BTreeMap<String, Value>) -> Result<()> {
        self.operator.process().check_running()?;
        self.service(name)?;
        let address = self.address(name)?;
        let mut after = self.services()?;
        after.remove(name);
        ensure!(*before == after, "others were written: {before:#?} and now {after:#?}");
        let taken = before.values().any(|service| service.to_string().contains(&format!("{address:?}")));
        ensure!(!taken, "{address} is another one's");
        Ok(())
    }

    /// Every Service of the namespace default by name: resourceVersion and status.
    fn services(&self) -> Result<BTreeMap<String, Value>> {
        let list = self.kube.get(&["services"])?;
        let items = list["items"].as_array().context("a list")?.iter();
        let one = |service: &Value| {
            let name = service["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            (name, json!([service["metadata"]["resourceVersion"], service["status"]]))
        };
        Ok(items.map(one).collect())
    }

    /// Seconds of a processor that the operator has used.
    fn used(&mut self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.operator.process().id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // utime and stime, in hundredths of a second (proc(5)); the first field here is the third there.
        let ticks =
            |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).context("a number");
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// What `work` lasts, the operator does not spin.
    fn without_spinning(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let (started, before) = (Instant::now(), self.used()?);
        work(self)?;
        let share = (self.used()? - before) / started.elapsed().as_secs_f64().max(1.0);
        println!("used {:.1} % of a processor", share * 100.0);
        ensure!(share < IDLE, "it used {share} of a processor:\n{}", self.operator.log());
        Ok(())
    }

    fn unreadable(&mut self) -> Result<()> {
        let pool = json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
            "metadata": {"name": "good", "namespace": "metallb-system"}, "spec": {"addresses": ["198.51.100.0/24"]}});
        wait_for("another pool is taken", LIMIT, || self.kube.apply(&pool.to_string()))?;
        self.service("first")?;
        self.address("first")?;
        wait_for("the strange pool is reported", LIMIT, || {
            let state = self.kube.get(&["configurationstate", "controller", "--namespace=metallb-system"])?;
            let said = state["status"]["errorSummary"].as_str().unwrap_or_default();
            ensure!(state["status"]["result"] == "Invalid" && said.contains("strange"), "{state}");
            Ok(())
        })?;
        // It goes, and so does the problem.
        self.kube.run(&["delete", "ipaddresspool", "strange", "--namespace=metallb-system"])?;
        wait_for("nothing is wrong any more", LIMIT, || {
            let state = self.kube.get(&["configurationstate", "controller", "--namespace=metallb-system"])?;
            ensure!(state["status"]["result"] == "Valid", "{state}");
            Ok(())
        })
    }

    /// A day ahead, then a day back: Leases and deadlines are counted by the monotonic clock.
    fn clock_jumps(&mut self) -> Result<()> {
        let lease = |kube: &Kube| -> Result<Value> {
            let lease = kube.get(&["lease", "metallb-controller", "--namespace=metallb-system"])?;
            Ok(json!([lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]]))
        };
        let held = lease(&self.kube)?;
        for (name, offset) in [("a-day-ahead", "+1d"), ("a-day-back", "-1d")] {
            let before = self.services()?;
            self.without_spinning(|cluster| {
                // In place: libfaketime reads the file again and again.
                fs::write(&cluster.clock, offset)?;
                sleep(Duration::from_secs(5));
                cluster.goes_on(name, &before)
            })?;
            ensure!(lease(&self.kube)? == held, "the Lease changed hands");
        }
        fs::write(&self.clock, "+0").map_err(Into::into)
    }

    fn api_restarts(&mut self) -> Result<()> {
        let before = self.services()?;
        self.without_spinning(|cluster| cluster.kube.restart_api())?;
        self.goes_on("after-restart", &before)
    }

    /// The operator sleeps, its watches fall out of what the API server remembers (410), and Services come and go meanwhile.
    fn compaction(&mut self) -> Result<()> {
        let told = |cluster: &Self| cluster.operator.log().matches("too old resource version").count();
        let before_told = told(self);
        self.operator.pause()?;
        self.kube.run(&["delete", "service", "first"])?;
        self.service("made-meanwhile")?;
        self.kube.compact()?;
        // A server that has just started remembers nothing from before.
        self.kube.restart_api()?;
        let mut before = self.services()?;
        self.operator.resume()?;
        self.address("made-meanwhile")?;
        ensure!(told(self) > before_told, "no watch was too old:\n{}", self.operator.log());
        let now = self.services()?;
        before.extend(now.get_key_value("made-meanwhile").map(|(name, now)| (name.clone(), now.clone())));
        self.goes_on("after-compaction", &before)?;
        // What is gone is free again: that Service's address can be asked for.
        wait_for("its pool counts right", LIMIT, || {
            let pool = self.kube.get(&["ipaddresspool", "good", "--namespace=metallb-system"])?;
            let held = self
                .services()?
                .values()
                .filter(|service| service.to_string().contains("198.51.100."))
                .count();
            ensure!(pool["status"]["assignedIPv4"] == json!(held), "{held} are held: {}", pool["status"]);
            Ok(())
        })
    }

    fn api_hangs(&mut self) -> Result<()> {
        let before = self.services()?;
        self.without_spinning(|cluster| {
            cluster.kube.pause_api()?;
            sleep(HANGS);
            cluster.kube.resume_api()
        })?;
        self.goes_on("after-hanging", &before)
    }
}
