//! What the operator costs, on a real API server with etcd: time, writes, memory. Beside it, in the same run, a client that
//! makes the same Services and writes their status once, without any controller.

mod admissions;
pub mod client;
pub mod cost;

use crate::measure::{Figure, median};
use anyhow::{Context, Result};
use client::{Status, burst, delete_all};
use cost::{Usage, Writes, more, usage, writes};
use herald_e2e::{Kube, Lab, Operator, wait_for};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(2);
const NAMESPACE: &str = "bench";

/// The burst's limit, as a multiple of the plain client's time.
const BURST: f64 = 1.2;
/// What a thousand admissions are to take at most, in seconds.
const ADMISSIONS: f64 = 1.0;
/// MetalLB's controller on a machine like CI's.
const SINGLE: [f64; 2] = [8.0, 23.0];
const MEGABYTES: f64 = 131.0;
const RESTART: f64 = 14.0;

/// What is given out, and what would announce it; no node is eligible without endpoints.
const CONFIGURATION: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: bench, namespace: metallb-system}
spec: {addresses: [10.64.0.0/16]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: bench, namespace: metallb-system}
spec: {ipAddressPools: [bench]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.254}
---
apiVersion: v1
kind: Node
metadata: {name: node1}
";

/// How much is measured.
struct Extent {
    bursts: Vec<usize>,
    singles: usize,
    advertised: usize,
    admissions: usize,
    rest: Duration,
}

/// Everything, in one run; or nothing but the admissions.
pub fn figures(quick: bool, admissions_alone: bool) -> Result<Vec<Figure>> {
    let extent = if quick {
        Extent { bursts: vec![30], singles: 3, advertised: 3, admissions: 40, rest: Duration::from_secs(1) }
    } else {
        Extent {
            bursts: vec![1000, 5000],
            singles: 50,
            advertised: 100,
            admissions: 4000,
            rest: Duration::from_secs(10),
        }
    };
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    kube.run(&["create", "namespace", NAMESPACE])?;
    // The first requests open connections and fill caches: not counted.
    plain(&kube, 20)?;
    let operator = start(&lab, &kube, "operator")?;
    let mut bench = Bench { operator, kube: &kube, lab: &lab, rest: extent.rest, figures: Vec::new() };
    bench.rest("no Service")?;
    bench.admissions(extent.admissions)?;
    if admissions_alone {
        return Ok(bench.figures);
    }
    bench.singles("an empty cluster", extent.singles, Some(SINGLE[0]))?;
    let (last, others) = extent.bursts.split_last().context("no burst to measure")?;
    for count in others {
        bench.burst(*count, |_| Ok(()))?;
    }
    bench.burst(*last, |bench| {
        bench.singles(&format!("{last} Services"), extent.singles, Some(SINGLE[1]))?;
        bench.advertised(extent.advertised)?;
        bench.restart(*last)
    })?;
    Ok(bench.figures)
}

/// The plain client's time, while no operator runs; the namespace is empty before and after it.
fn plain(kube: &Kube, count: usize) -> Result<f64> {
    kube.ask(async |client| {
        delete_all(&client, NAMESPACE).await?;
        let time = burst(&client, NAMESPACE, 0..count, Status::ByClient).await?;
        delete_all(&client, NAMESPACE).await?;
        Ok(time.as_secs_f64())
    })
}

/// One replica that leads and has the configuration.
fn start(lab: &Lab, kube: &Kube, name: &str) -> Result<Operator> {
    let mut operator = Operator::start(lab, kube, name, &[])?;
    operator.wait_ready()?;
    wait_for("the configuration is admitted", LIMIT, || kube.apply(CONFIGURATION))?;
    kube.ask(async |client| {
        burst(&client, NAMESPACE, 0..1, Status::ByOperator).await?;
        delete_all(&client, NAMESPACE).await
    })?;
    Ok(operator)
}

struct Bench<'a> {
    operator: Operator,
    kube: &'a Kube,
    lab: &'a Lab,
    /// How long nothing happens where rest is measured.
    rest: Duration,
    figures: Vec<Figure>,
}

impl Bench<'_> {
    fn usage(&mut self) -> Result<Usage> {
        usage(self.operator.process().id())
    }

    /// Memory, and processor time while nothing happens.
    fn rest(&mut self, with: &str) -> Result<()> {
        writes(self.kube)?;
        let (before, started) = (self.usage()?, Instant::now());
        std::thread::sleep(self.rest);
        let after = self.usage()?;
        let share = (after.seconds - before.seconds) / started.elapsed().as_secs_f64() * 100.0;
        let against = (!with.starts_with("no ")).then_some(MEGABYTES);
        self.figures.push(Figure::new(
            &format!("operator at rest, {with}"),
            "memory",
            after.megabytes,
            "MB",
            against,
        ));
        self.figures.push(Figure::new(&format!("operator at rest, {with}"), "CPU", share, "%", None));
        Ok(())
    }

    /// Reviews straight to the webhook, by as many connections as given.
    fn admissions(&mut self, count: usize) -> Result<()> {
        for (at_a_time, against) in [(1, None), (8, None), (64, Some(ADMISSIONS))] {
            let count = if at_a_time == 1 { count / 10 } else { count };
            let address = self.operator.address().to_owned();
            let time = self.kube.ask(async |_| admissions::ask(&address, count, at_a_time).await)?;
            let thousand = time.as_secs_f64() / float(count) * 1000.0;
            let case = format!("1,000 admissions, {at_a_time} at a time, none refused or lost");
            self.figures.push(Figure::new(&case, "time", thousand, "s", against));
        }
        Ok(())
    }

    /// One Service at a time.
    fn singles(&mut self, with: &str, count: usize, against: Option<f64>) -> Result<()> {
        let times = self.kube.ask(async |client| {
            let mut times = Vec::new();
            for number in 0..count {
                let number = 100_000 + number;
                let time = burst(&client, NAMESPACE, number..number + 1, Status::ByOperator).await?;
                times.push(time.as_secs_f64() * 1000.0);
            }
            Ok(times)
        })?;
        let last = times.iter().copied().fold(0.0, f64::max);
        let case = format!("Service created until its address is seen, {with}");
        self.figures.push(Figure::new(&case, "median", median(times), "ms", against));
        self.figures.push(Figure::new(&case, "largest", last, "ms", None));
        // They are gone before anything else is counted.
        self.delete_singles(count)
    }

    fn delete_singles(&self, count: usize) -> Result<()> {
        let names: Vec<String> = (0..count).map(|number| format!("service-{}", 100_000 + number)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.kube.run(&[&["delete", "service", "--namespace", NAMESPACE], &names[..]].concat())?;
        writes(self.kube).map(drop)
    }

    /// Many at once into an empty namespace, and `then` what is measured while they are there. The plain client makes as many
    /// before and after, while no operator runs: a machine is not equally fast all the time.
    fn burst(&mut self, count: usize, then: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.operator.stop()?;
        let before_it = plain(self.kube, count)?;
        self.operator = start(self.lab, self.kube, &format!("with-{count}"))?;
        let (before, used) = (writes(self.kube)?, self.usage()?);
        let time =
            self.kube.ask(async |client| burst(&client, NAMESPACE, 0..count, Status::ByOperator).await)?;
        let written = more(&before, &writes(self.kube)?);
        let spent = self.usage()?.seconds - used.seconds;
        let case = format!("{count} Services at once");
        self.figures.push(Figure::new(&case, "CPU", spent, "s", None));
        per_service(&case, count, &written, &mut self.figures);
        self.rest(&format!("{count} Services"))?;
        then(self)?;
        self.operator.stop()?;
        let after_it = plain(self.kube, count)?;
        self.operator = start(self.lab, self.kube, &format!("after-{count}"))?;
        for (when, seconds) in [("before", before_it), ("after", after_it)] {
            let plain = format!("{case}: plain client, no controller, {when}");
            self.figures.push(Figure::new(&plain, "time", seconds, "s", None));
        }
        self.figures.push(Figure::new(
            &format!("{case}: until all addresses are seen"),
            "time",
            time.as_secs_f64(),
            "s",
            Some(f64::midpoint(before_it, after_it) * BURST),
        ));
        Ok(())
    }

    /// Services that have an address get endpoints.
    fn advertised(&mut self, count: usize) -> Result<()> {
        let before = writes(self.kube)?;
        let slices: Vec<String> = (0..count).map(slice).collect();
        self.kube.apply(&slices.join("---\n"))?;
        let written = more(&before, &writes(self.kube)?);
        per_service(&format!("{count} Services become advertised"), count, &written, &mut self.figures);
        Ok(())
    }

    /// SIGTERM, start, and a new Service at once.
    fn restart(&mut self, size: usize) -> Result<()> {
        let before = writes(self.kube)?;
        self.operator.stop()?;
        let started = Instant::now();
        self.operator = Operator::start(self.lab, self.kube, "again", &[])?;
        let (_, count) = self.kube.ask(async |client| {
            let number = 200_000;
            let time = burst(&client, NAMESPACE, number..number + 1, Status::ByOperator).await?;
            Ok((time, client::count(&client, NAMESPACE).await?))
        })?;
        let served = started.elapsed().as_secs_f64();
        anyhow::ensure!(count == size + 1, "{count} of {size} Services and the new one have an address");
        let written = more(&before, &writes(self.kube)?);
        let services = written.get(&("patch".to_owned(), "services/status".to_owned())).copied();
        let case = format!("restart with {size} Services");
        self.figures.push(Figure::new(
            &format!("{case}: start until a new one has its address"),
            "time",
            served,
            "s",
            Some(RESTART),
        ));
        let others = services.unwrap_or_default().saturating_sub(1);
        self.figures.push(Figure::new(
            &format!("{case}: writes of other Services"),
            "count",
            float(others),
            "",
            None,
        ));
        let usage = self.usage()?;
        self.figures.push(Figure::new(&case, "memory", usage.megabytes, "MB", None));
        self.figures.push(Figure::new(&case, "CPU", usage.seconds, "s", None));
        Ok(())
    }
}

/// Writes by verb and resource, per Service.
fn per_service(case: &str, count: usize, written: &Writes, figures: &mut Vec<Figure>) {
    for ((verb, what), writes) in written {
        let each = float(*writes) / float(count);
        figures.push(Figure::new(&format!("{case}: {verb} {what}"), "each", each, "", None));
    }
}

fn slice(number: usize) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: service-{number}
  namespace: {NAMESPACE}
  labels: {{kubernetes.io/service-name: service-{number}}}
addressType: IPv4
endpoints: [{{addresses: [10.244.0.10], nodeName: node1, conditions: {{ready: true}}}}]
ports: [{{port: 8080, protocol: TCP}}]
"
    )
}

/// Counts of a benchmark are small.
fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
