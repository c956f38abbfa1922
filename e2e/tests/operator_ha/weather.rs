//! A replica to which things happen.

use crate::cluster::LIMIT;
use anyhow::{Result, ensure};
use herald_e2e::kube::{Fate, Line, Proxy};
use herald_e2e::{Kube, Lab, Operator, Random, wait_for};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What happened, of which a run has to have had some of each.
#[derive(Default)]
pub struct Counts(Mutex<BTreeMap<&'static str, u64>>);

/// Everything that can.
const KINDS: [&str; 13] = [
    "killed",
    "killed before a write",
    "killed after a write",
    "paused",
    "cut off from its Lease",
    "cut off from its Lease in the middle of a write",
    "writes that were late",
    "writes without an answer",
    "writes that were lost",
    "lines of watches that were late",
    "lines of watches that came again",
    "watches that were cut",
    "watches that were too old",
];

impl Counts {
    fn one(&self, what: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// How often each happened; fails if something never did.
    pub fn all(&self) -> Result<String> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let never: Vec<_> = KINDS.iter().filter(|kind| !counts.contains_key(*kind)).collect();
        ensure!(never.is_empty(), "it never happened: {never:?}");
        Ok(counts.iter().map(|(what, times)| format!("{times} {what}")).collect::<Vec<_>>().join(", "))
    }
}

/// What happens to requests, shared with the proxy.
struct Weather {
    counts: Arc<Counts>,
    calm: bool,
    /// Nothing about the Lease gets through until then.
    no_lease: Option<Instant>,
    /// The replica's process.
    process: u32,
    /// It dies before or after so many more writes: of addresses only, or of anything.
    death: Option<Death>,
    /// The proxy kills it now: until it is gone, its id is its own.
    dying: bool,
}

/// A crash around a write.
#[derive(Clone, Copy)]
struct Death {
    writes: u64,
    of_addresses: bool,
    after: bool,
}

/// A replica behind a proxy of its own. One that was killed is followed by another.
pub struct Replica<'a> {
    lab: &'a Lab,
    kube: &'a Kube,
    operator: Operator,
    kubeconfig: PathBuf,
    weather: Arc<Mutex<Weather>>,
    paused: Option<Instant>,
    dead: bool,
    _proxy: Proxy,
}

/// Every replica has a name of its own, as pods have.
static NUMBER: AtomicU64 = AtomicU64::new(1);

impl<'a> Replica<'a> {
    /// Starts one.
    pub fn start(lab: &'a Lab, kube: &'a Kube, seed: u64, counts: &Arc<Counts>) -> Result<Self> {
        let proxy = Proxy::start(kube)?;
        let weather = Arc::new(Mutex::new(Weather {
            counts: Arc::clone(counts),
            calm: false,
            no_lease: None,
            process: 0,
            death: None,
            dying: false,
        }));
        let (mut random, sky) = (Random::new(seed), Arc::clone(&weather));
        proxy.rule(move |method, path| locked(&sky).fate(&mut random, method, path));
        let (mut random, sky) = (Random::new(seed ^ 0x6c69_6e65), Arc::clone(&weather));
        proxy.lines(move |_| locked(&sky).line(&mut random));
        let kubeconfig = proxy.kubeconfig(kube, "metallb-system", "controller")?;
        let operator = Self::operator(lab, kube, &kubeconfig)?;
        let mut replica =
            Self { lab, kube, operator, kubeconfig, weather, paused: None, dead: false, _proxy: proxy };
        replica.is_born();
        Ok(replica)
    }

    fn operator(lab: &Lab, kube: &Kube, kubeconfig: &Path) -> Result<Operator> {
        let name = format!("replica-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Operator::start_with(lab, kube, &name, kubeconfig, &[], &[])
    }

    fn is_born(&mut self) {
        let id = self.operator.process().id();
        let mut weather = locked(&self.weather);
        (weather.process, weather.dying) = (id, false);
    }

    /// Waits until it is ready.
    pub fn wait_ready(&mut self) -> Result<()> {
        self.operator.wait_ready()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.operator.log()
    }

    /// SIGKILL. [`Self::mend`] starts another one.
    pub fn kill(&mut self) -> Result<()> {
        let mut weather = locked(&self.weather);
        if !self.dead && !weather.dying {
            weather.counts.one("killed");
            weather.death = None;
            drop(weather);
            self.operator.kill()?;
            (self.dead, self.paused) = (true, None);
        }
        Ok(())
    }

    /// SIGKILL just before or just after the API server gets so many more writes of it, of addresses or of anything.
    /// [`Self::mend`] starts another one.
    pub fn die(&mut self, writes: u64, of_addresses: bool, after: bool) {
        locked(&self.weather).death = Some(Death { writes, of_addresses, after });
    }

    /// SIGSTOP, for so long.
    pub fn pause(&mut self, time: Duration) -> Result<()> {
        if !self.dead {
            locked(&self.weather).counts.one("paused");
            self.operator.pause()?;
            self.paused = Some(Instant::now() + time);
        }
        Ok(())
    }

    /// Whatever it asks of its Lease gets lost, for so long.
    pub fn lose_lease(&mut self, time: Duration) {
        let mut weather = locked(&self.weather);
        weather.counts.one("cut off from its Lease");
        weather.no_lease = Some(Instant::now() + time);
    }

    /// Ends what has lasted long enough.
    pub fn mend(&mut self) -> Result<()> {
        if self.paused.is_some_and(|until| until <= Instant::now()) {
            self.operator.resume()?;
            self.paused = None;
        }
        let dying = locked(&self.weather).dying;
        if dying && !self.dead {
            wait_for("it is gone", LIMIT, || {
                ensure!(self.operator.process().check_running().is_err(), "it still runs");
                Ok(())
            })?;
            self.operator.kill()?;
            (self.dead, self.paused) = (true, None);
        }
        if self.dead {
            // Its cable goes with it: a bridge has a thousand ports.
            self.operator.namespace().ip("link delete eth0")?;
            self.operator = Self::operator(self.lab, self.kube, &self.kubeconfig)?;
            self.dead = false;
            self.is_born();
        }
        Ok(())
    }

    /// Ends everything that happens to it.
    pub fn calm(&mut self) -> Result<()> {
        let mut weather = locked(&self.weather);
        (weather.calm, weather.no_lease, weather.death) = (true, None, None);
        drop(weather);
        self.paused = self.paused.and(Some(Instant::now()));
        self.mend()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Weather {
    fn fate(&mut self, random: &mut Random, method: &str, path: &str) -> Fate {
        if self.calm {
            return Fate::Pass;
        }
        let of_addresses = method == "PATCH" && path.contains("/services/");
        if method != "GET"
            && let Some(fate) = self.death(of_addresses)
        {
            return fate;
        }
        if path.contains("/leases") {
            let lost = self.no_lease.is_some_and(|until| Instant::now() < until);
            return if lost { Fate::Lost } else { Fate::Pass };
        }
        let luck = random.below(100);
        if method == "GET" {
            return if luck < 5 { Fate::Lost } else { Fate::Pass };
        }
        if !of_addresses {
            return Fate::Pass;
        }
        match luck {
            0..7 => {
                self.counts.one("writes that were late");
                Fate::Late(Duration::from_millis(200 + random.below(9800)))
            }
            // It is on its way while another replica begins to lead.
            7..9 => {
                self.counts.one("cut off from its Lease in the middle of a write");
                self.no_lease = Some(Instant::now() + Duration::from_millis(3000 + random.below(3000)));
                Fate::Late(Duration::from_millis(1000 + random.below(9000)))
            }
            9..12 => {
                self.counts.one("writes without an answer");
                Fate::Unanswered
            }
            12..14 => {
                self.counts.one("writes that were lost");
                Fate::Lost
            }
            _ => Fate::Pass,
        }
    }

    /// Whether this write is the one that it does not survive.
    fn death(&mut self, of_addresses: bool) -> Option<Fate> {
        let death = self.death.as_mut().filter(|death| of_addresses || !death.of_addresses)?;
        if death.writes > 0 {
            death.writes -= 1;
            return None;
        }
        let after = death.after;
        (self.death, self.dying) = (None, true);
        self.counts.one(if after { "killed after a write" } else { "killed before a write" });
        Some(if after { Fate::KilledAfter(self.process) } else { Fate::KilledBefore(self.process) })
    }

    fn line(&self, random: &mut Random) -> Line {
        if self.calm {
            return Line::Pass;
        }
        let (what, line) = match random.below(1000) {
            0..10 => {
                let time = Duration::from_millis(100 + random.below(2900));
                ("lines of watches that were late", Line::Late(time))
            }
            10..40 => ("lines of watches that came again", Line::Again),
            40..48 => ("watches that were cut", Line::Cut),
            48..54 => ("watches that were too old", Line::Expired),
            _ => return Line::Pass,
        };
        self.counts.one(what);
        line
    }
}
