//! A replica to which things happen.

use anyhow::Result;
use herald_e2e::kube::{Fate, Proxy};
use herald_e2e::{Kube, Lab, Operator};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Numbers that follow from a seed (splitmix64, Steele et al. 2014).
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// Those of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// The next index of something with so many items.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }
}

/// Whether requests go through, shared with the proxy.
#[derive(Default)]
struct Weather {
    calm: AtomicBool,
    /// Nothing about the Lease gets through.
    no_lease: AtomicBool,
}

/// A replica behind a proxy of its own. One that was killed is followed by another.
pub struct Replica<'a> {
    lab: &'a Lab,
    kube: &'a Kube,
    operator: Operator,
    kubeconfig: PathBuf,
    weather: Arc<Weather>,
    paused: Option<Instant>,
    cut: Option<Instant>,
    dead: bool,
    _proxy: Proxy,
}

/// Every replica has a name of its own, as pods have.
static NUMBER: AtomicU64 = AtomicU64::new(1);

impl<'a> Replica<'a> {
    /// Starts one.
    pub fn start(lab: &'a Lab, kube: &'a Kube, seed: u64) -> Result<Self> {
        let proxy = Proxy::start(kube)?;
        let weather = Arc::new(Weather::default());
        let (mut random, sky) = (Random::new(seed), Arc::clone(&weather));
        proxy.rule(move |method, path| fate(&mut random, &sky, method, path));
        let kubeconfig = proxy.kubeconfig(kube, "metallb-system", "controller")?;
        let operator = Self::operator(lab, kube, &kubeconfig)?;
        Ok(Self {
            lab,
            kube,
            operator,
            kubeconfig,
            weather,
            paused: None,
            cut: None,
            dead: false,
            _proxy: proxy,
        })
    }

    fn operator(lab: &Lab, kube: &Kube, kubeconfig: &Path) -> Result<Operator> {
        let name = format!("replica-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Operator::start_with(lab, kube, &name, kubeconfig, &[], &[])
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
        if !self.dead {
            self.operator.kill()?;
            (self.dead, self.paused) = (true, None);
        }
        Ok(())
    }

    /// SIGSTOP, for so long.
    pub fn pause(&mut self, time: Duration) -> Result<()> {
        if !self.dead {
            self.operator.pause()?;
            self.paused = Some(Instant::now() + time);
        }
        Ok(())
    }

    /// Whatever it asks of its Lease gets lost, for so long.
    pub fn lose_lease(&mut self, time: Duration) {
        self.weather.no_lease.store(true, Ordering::Relaxed);
        self.cut = Some(Instant::now() + time);
    }

    /// Ends what has lasted long enough.
    pub fn mend(&mut self) -> Result<()> {
        let over = |until: Option<Instant>| until.is_some_and(|until| until <= Instant::now());
        if over(self.paused) {
            self.operator.resume()?;
            self.paused = None;
        }
        if over(self.cut) {
            self.weather.no_lease.store(false, Ordering::Relaxed);
            self.cut = None;
        }
        if self.dead {
            self.operator = Self::operator(self.lab, self.kube, &self.kubeconfig)?;
            self.dead = false;
        }
        Ok(())
    }

    /// Ends everything that happens to it.
    pub fn calm(&mut self) -> Result<()> {
        self.weather.calm.store(true, Ordering::Relaxed);
        let now = Some(Instant::now());
        (self.paused, self.cut) = (self.paused.and(now), self.cut.and(now));
        self.mend()
    }
}

fn fate(random: &mut Random, weather: &Weather, method: &str, path: &str) -> Fate {
    if weather.calm.load(Ordering::Relaxed) {
        return Fate::Pass;
    }
    if path.contains("/leases") {
        return if weather.no_lease.load(Ordering::Relaxed) { Fate::Lost } else { Fate::Pass };
    }
    let luck = random.below(100);
    if method == "GET" {
        return if luck < 5 { Fate::Lost } else { Fate::Pass };
    }
    if method != "PATCH" || !path.contains("/services/") {
        return Fate::Pass;
    }
    match luck {
        0..8 => Fate::Late(Duration::from_millis(200 + random.below(9800))),
        8..11 => Fate::Unanswered,
        11..13 => Fate::Lost,
        _ => Fate::Pass,
    }
}
