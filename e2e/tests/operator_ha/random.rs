//! Services come, go and change at random, while replicas are killed, also just before and just after any write, paused,
//! cut off from their Lease, also in the middle of a write, while their writes arrive late, or not, or without an answer,
//! and their watches are late, repeat themselves, break, or have to begin anew. At no instant do two Services hold one address that they may not share, and
//! in the end every Service has what it can have.
//!
//! `HERALD_OPERATIONS` says how many changes (default 500), `HERALD_SEED` repeats a run's choices.

use crate::cluster::{LIMIT, pool};
use crate::holders::Holders;
use crate::weather::{Counts, Replica};
use anyhow::{Context, Result, bail, ensure};
use herald_e2e::{Kube, Lab, Random};
use k8s_openapi::api::core::v1::Service;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// More Services than the largest pool has addresses.
const SERVICES: usize = 44;
/// What the pool is, one after the other.
const POOLS: [&str; 3] = ["198.51.100.0/27", "198.51.100.0/28", "198.51.100.8-198.51.100.39"];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// The whole run.
pub fn operations() -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let seed = number("HERALD_SEED").unwrap_or(now);
    let count = number("HERALD_OPERATIONS").unwrap_or(500);
    println!("HERALD_SEED={seed} HERALD_OPERATIONS={count}");
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    let counts = Arc::new(Counts::default());
    let mut replicas =
        [Replica::start(&lab, &kube, seed + 1, &counts)?, Replica::start(&lab, &kube, seed + 2, &counts)?];
    replicas.iter_mut().try_for_each(Replica::wait_ready)?;
    pool(&kube, POOLS[0])?;
    let outcome = kube.ask(async |client| {
        let run = Run {
            api: Api::default_namespaced(client.clone()),
            client: client.clone(),
            kube: &kube,
            random: Random::new(seed),
            replicas: &mut replicas,
            names: Vec::new(),
            made: 0,
            pool: POOLS[0],
            story: Vec::new(),
        };
        let holders = Arc::new(Mutex::new(Holders::default()));
        let watching = tokio::spawn(Holders::watch(client, Arc::clone(&holders)));
        let outcome = run.run(count, &holders).await;
        if watching.is_finished() {
            watching.await??;
            bail!("the test's own watch ended");
        }
        watching.abort();
        let told = holders.lock().unwrap_or_else(PoisonError::into_inner).seen;
        println!("{told} changes of Services were seen");
        ensure!(outcome.is_err() || told > count / 2, "only {told} changes were seen");
        outcome?;
        match counts.all() {
            Ok(all) => println!("{all}"),
            // A few operations need not meet everything.
            Err(why) => ensure!(count < 5000, why),
        }
        Ok(())
    });
    outcome.with_context(|| {
        let logs = replicas.iter().map(Replica::log).collect::<Vec<_>>().join("\n---\n");
        format!("HERALD_SEED={seed} HERALD_OPERATIONS={count}\n{logs}")
    })
}

struct Run<'r, 'a> {
    api: Api<Service>,
    client: Client,
    kube: &'r Kube,
    random: Random,
    replicas: &'r mut [Replica<'a>; 2],
    names: Vec<String>,
    made: u64,
    pool: &'static str,
    story: Vec<String>,
}

impl Run<'_, '_> {
    async fn run(mut self, count: u64, holders: &Mutex<Holders>) -> Result<()> {
        for number in 0..count {
            self.operation().await.with_context(|| format!("operation {number}"))?;
            for replica in self.replicas.iter_mut() {
                replica.mend()?;
            }
            self.check(holders)?;
            sleep(Duration::from_millis(self.random.below(80))).await;
        }
        for replica in self.replicas.iter_mut() {
            replica.calm()?;
        }
        let deadline = Instant::now() + LIMIT;
        loop {
            self.check(holders)?;
            match self.settled().await {
                Ok(()) => break,
                Err(why) if Instant::now() >= deadline => {
                    return Err(
                        why.context(format!("it does not settle; last of what happened: {}", self.last()))
                    );
                }
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
        self.at_rest().await?;
        self.check(holders)
    }

    fn last(&self) -> String {
        self.story[self.story.len().saturating_sub(30)..].join("\n")
    }

    fn check(&self, holders: &Mutex<Holders>) -> Result<()> {
        let holders = holders.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(holders.wrong.is_empty(), "{:#?}\nlast of what happened: {}", holders.wrong, self.last());
        Ok(())
    }

    async fn operation(&mut self) -> Result<()> {
        let what = match self.random.below(100) {
            0..45 if self.names.len() < SERVICES => self.create().await?,
            0..75 if !self.names.is_empty() => self.delete().await?,
            75..86 if !self.names.is_empty() => self.ask_for_another().await?,
            86..90 => self.resize().await?,
            90.. => self.trouble()?,
            _ => return Ok(()),
        };
        self.story.push(what);
        Ok(())
    }

    fn requested(&mut self) -> String {
        format!("198.51.100.{}", self.random.below(40))
    }

    async fn create(&mut self) -> Result<String> {
        self.made += 1;
        let name = format!("service-{}", self.made);
        let mut annotations = serde_json::Map::new();
        match self.random.below(10) {
            0 | 1 => drop(annotations.insert("metallb.io/loadBalancerIPs".into(), self.requested().into())),
            2 | 3 => drop(annotations.insert("metallb.io/allow-shared-ip".into(), "key".into())),
            _ => {}
        }
        let service = serde_json::from_value(json!({
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
                // Its own, so that those that share an address may.
                "ports": [{"port": 1 + self.made % 60_000}]},
        }))?;
        self.api.create(&PostParams::default(), &service).await?;
        self.names.push(name.clone());
        Ok(format!("{name} with {annotations:?}"))
    }

    async fn delete(&mut self) -> Result<String> {
        let name = self.names.swap_remove(self.random.index(self.names.len()));
        self.api.delete(&name, &DeleteParams::default()).await?;
        Ok(format!("{name} is gone"))
    }

    async fn ask_for_another(&mut self) -> Result<String> {
        let name = self.names[self.random.index(self.names.len())].clone();
        let wanted: Value = if self.random.below(3) == 0 { Value::Null } else { self.requested().into() };
        let patch = json!({"metadata": {"annotations": {"metallb.io/loadBalancerIPs": wanted}}});
        self.api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(format!("{name} asks for {wanted}"))
    }

    async fn resize(&mut self) -> Result<String> {
        self.pool = POOLS[self.random.index(POOLS.len())];
        let patch = json!({"spec": {"addresses": [self.pool]}});
        let pool = "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/pool";
        let deadline = Instant::now() + LIMIT;
        loop {
            let request = http::Request::patch(pool)
                .header("content-type", "application/merge-patch+json")
                .body(patch.to_string().into_bytes())?;
            match self.client.request::<Value>(request).await {
                Ok(_) => return Ok(format!("the pool is {}", self.pool)),
                // No replica that runs serves webhooks.
                Err(why) if Instant::now() >= deadline => bail!("the pool cannot be changed: {why}"),
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
            for replica in self.replicas.iter_mut() {
                replica.mend()?;
            }
        }
    }

    fn trouble(&mut self) -> Result<String> {
        let which = self.random.index(2);
        let time = Duration::from_millis(500 + self.random.below(5500));
        let kind = self.random.below(10);
        let (writes, of_addresses) = (self.random.below(8), self.random.below(3) > 0);
        let replica = &mut self.replicas[which];
        Ok(match kind {
            0 => {
                replica.kill()?;
                format!("{which} is killed")
            }
            1..5 => {
                let after = kind.is_multiple_of(2);
                replica.die(writes, of_addresses, after);
                format!("{which} dies around a write to come (after it: {after})")
            }
            5..7 => {
                replica.pause(time)?;
                format!("{which} is paused for {time:?}")
            }
            _ => {
                replica.lose_lease(time);
                format!("{which} cannot reach its Lease for {time:?}")
            }
        })
    }

    /// Every Service has what it can have, or is told why not.
    async fn settled(&self) -> Result<()> {
        let all = self.api.list(&ListParams::default()).await?.items;
        let mut holders = Holders::default();
        for service in &all {
            holders.see(service, true);
        }
        ensure!(holders.wrong.is_empty(), "{:?}", holders.wrong);
        let free: Vec<String> = addresses(self.pool).into_iter().filter(|ip| !holders.is_held(ip)).collect();
        for service in &all {
            let (name, asked) = (service.metadata.name.as_deref().unwrap_or_default(), asked(service));
            if !Holders::addresses(service).is_empty() || name == "kubernetes" {
                continue;
            }
            let possible = asked.as_ref().map_or(!free.is_empty(), |asked| free.contains(asked));
            ensure!(!possible, "{name} (asks for {asked:?}) has no address, and free are {free:?}");
            let said = service.status.as_ref().and_then(|status| status.conditions.as_ref());
            let said =
                said.and_then(|all| all.iter().find(|one| one.type_ == "LoadBalancerAddressAllocated"));
            ensure!(said.is_some_and(|one| one.status == "False"), "{name} is not told why: {said:?}");
        }
        Ok(())
    }

    /// Nothing is written any more when nothing changes.
    async fn at_rest(&self) -> Result<()> {
        let versions = async || -> Result<Vec<Option<String>>> {
            let all = self.api.list(&ListParams::default()).await?.items;
            Ok(all.into_iter().map(|service| service.metadata.resource_version).collect())
        };
        // Writes that are late may still arrive; they do nothing.
        sleep(Duration::from_secs(12)).await;
        let before = versions().await?;
        sleep(Duration::from_secs(5)).await;
        ensure!(before == versions().await?, "Services are written while nothing changes");
        let asked = self.kube.asked()?;
        ensure!(!asked.iter().any(|one| one.forbidden), "something was forbidden");
        Ok(())
    }
}

fn asked(service: &Service) -> Option<String> {
    service.metadata.annotations.as_ref()?.get("metallb.io/loadBalancerIPs").cloned()
}

/// The addresses of one of [`POOLS`].
fn addresses(pool: &str) -> Vec<String> {
    let last = match pool {
        "198.51.100.0/27" => 0..=31,
        "198.51.100.0/28" => 0..=15,
        _ => 8..=39,
    };
    last.map(|last| format!("198.51.100.{last}")).collect()
}
