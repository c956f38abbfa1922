//! Neighbors that look at every UPDATE while FRR is changed: none may ever be told a prefix that neither the configuration
//! before nor the one after announces to it.

use super::{allowed, asked};
use anyhow::{Context, Result, ensure};
use herald_e2e::{Bird, Frr, Lab, Release, wait_for};
use herald_frr::arbitrary::{Watcher, watched};
use herald_frr::config::{AddressFamily, FrrConfig, RemoteAs};
use herald_frr::diff::{ChangePlan, Ownership, edit, plan};
use herald_frr::running;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// Without `$HERALD_CHANGES`.
const CHANGES: usize = 32;
const LIMIT: Duration = Duration::from_secs(30);
const OURS: i64 = 64500;
/// One change in this many is given line by line, each after bgpd's queue (50 ms) has run: what FRR would otherwise do at
/// once is then seen step by step.
const SLOWLY: usize = 8;
const STEP: Duration = Duration::from_millis(70);

/// A neighbor and how much of its log has been read.
struct Witness {
    watcher: Watcher,
    bird: Bird,
    read: usize,
}

/// An eBGP session with both families, one inside the AS, and an eBGP session over IPv6.
const SESSIONS: [(&str, &str, i64, &str); 3] = [
    (
        "172.30.0.2",
        "172.30.0.1",
        64501,
        "ipv4 { import all; export none; }; ipv6 { import all; export none; };",
    ),
    ("172.30.0.3", "172.30.0.1", OURS, "ipv4 { import all; export none; };"),
    ("fd30::4", "fd30::1", 64502, "ipv6 { import all; export none; };"),
];

impl Witness {
    fn start(lab: &Lab, segment: &herald_e2e::Segment, number: usize) -> Result<Self> {
        let (own, node, asn, channels) = SESSIONS[number];
        let namespace = lab.namespace(&format!("peer{number}"))?;
        let v6 = format!("fd30::{}/64", number + 2);
        let v4 = format!("172.30.0.{}/24", number + 2);
        segment.attach(&namespace, "eth0", &[&v4, &v6])?;
        let config = format!(
            "log stderr all;\nrouter id 172.30.0.{};\ndebug protocols {{ routes }};\nprotocol device {{}}\n\
             protocol bgp node {{ local {own} as {asn}; neighbor {node} as {OURS}; connect delay time 1; \
             connect retry time 1; error wait time 1, 2; {channels} }}\n",
            number + 2
        );
        let families = [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast];
        let speaks = |family: &AddressFamily| {
            channels.contains(if *family == AddressFamily::Ipv4Unicast { "ipv4" } else { "ipv6" })
        };
        let remote_as = if asn == OURS { RemoteAs::Internal } else { RemoteAs::Number(asn.try_into()?) };
        let watcher =
            Watcher { id: own.parse()?, remote_as, families: families.into_iter().filter(speaks).collect() };
        Ok(Self { watcher, bird: Bird::start(lab, &namespace, &config)?, read: 0 })
    }

    /// Fails while the neighbor has not exactly what the configuration announces to it.
    fn has(&self, config: &FrrConfig) -> Result<()> {
        let table: BTreeSet<String> = self.bird.routes()?.into_iter().map(|route| route.prefix).collect();
        let wanted = allowed::to(config, &self.watcher.id);
        ensure!(table == wanted, "{} has {table:?}, not {wanted:?}", self.watcher.id);
        Ok(())
    }

    /// Prefixes that it was told since the last time, in BIRD's words `node.ipv4 > added [best] 10.0.0.1/32 ...`.
    fn told(&mut self) -> BTreeSet<String> {
        let log = self.bird.log();
        let news = log.get(self.read..).unwrap_or_default();
        // The last line may be half written.
        let whole = news.rfind('\n').map_or("", |end| &news[..=end]);
        self.read += whole.len();
        let received = whole.lines().filter_map(|line| line.split_once(" > ")).map(|(_, said)| said);
        let told = received.filter(|said| !said.starts_with("removed"));
        told.filter_map(|said| said.split(' ').find(|word| word.contains('/')).map(ToOwned::to_owned))
            .collect()
    }
}

#[test]
fn no_neighbor_is_told_what_neither_side_announces() -> Result<()> {
    let lab = Lab::new()?;
    let (node, segment) = (lab.namespace("node")?, lab.segment("lan")?);
    segment.attach(&node, "eth0", &["172.30.0.1/24", "fd30::1/64"])?;
    let mut witnesses: Vec<Witness> =
        (0..SESSIONS.len()).map(|number| Witness::start(&lab, &segment, number)).collect::<Result<_>>()?;
    let watchers: Vec<Watcher> = witnesses.iter().map(|witness| witness.watcher.clone()).collect();
    let frr = Frr::start(&lab, &node, Release::V10, "")?;
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let mut random = TestRunner::new_with_rng(Config::default(), random);
    let mut parts: Option<herald_frr::arbitrary::Watched> = None;
    let mut before = FrrConfig::default();
    let (mut told, mut restarts) = (0, 0);
    let count = asked().unwrap_or(CHANGES);
    for number in 0..count {
        let new = watched(watchers.len()).new_tree(&mut random).ok().context("no configuration")?.current();
        // Every other change is one of a part.
        let new = match &parts {
            Some(old) if number % 2 == 1 => old.with_one_of(&new, number / 2),
            _ => new,
        };
        let after = new.config(OURS, &watchers);
        parts = Some(new);
        let change = between(&frr, &before, &after, number)?;
        apply(&frr, &change, number % SLOWLY == SLOWLY - 1).with_context(|| format!("change {number}"))?;
        restarts += change.resets.len();
        for witness in &mut witnesses {
            wait_for("the neighbor has what is wanted", LIMIT, || witness.has(&after))
                .with_context(|| format!("change {number}\n{}", change.script()))?;
            let mut allowed = allowed::to(&before, &witness.watcher.id);
            allowed.extend(allowed::to(&after, &witness.watcher.id));
            let heard = witness.told();
            let leaked: Vec<_> = heard.difference(&allowed).collect();
            ensure!(
                leaked.is_empty(),
                "change {number}: {} heard {leaked:?} of\n{}",
                witness.watcher.id,
                change.script()
            );
            told += heard.len();
        }
        before = after;
    }
    ensure!(told > count / 2, "neighbors were told {told} prefixes only");
    println!("{count} changes, {told} prefixes told, {restarts} sessions restarted: none was told too much");
    Ok(())
}

/// The plan; from what was applied where that is known to tell, and the same when FRR is asked.
fn between(frr: &Frr, before: &FrrConfig, after: &FrrConfig, number: usize) -> Result<ChangePlan> {
    let running = running::parse(&frr.running()?);
    let ownership = Ownership { applied: Some(before), ..Ownership::shipped("") };
    let asked = plan(&running, after, &ownership);
    if number > 0
        && let Some(known) = edit(before, after, None)
    {
        ensure!(known == asked, "change {number}: {}\nor, asked,\n{}", known.script(), asked.script());
    }
    Ok(asked)
}

fn apply(frr: &Frr, change: &ChangePlan, slowly: bool) -> Result<()> {
    if slowly {
        let mut vtysh =
            frr.command("vtysh").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut input = vtysh.stdin.take().context("no input")?;
        writeln!(input, "configure terminal")?;
        for line in &change.lines {
            writeln!(input, "{}", line.text)?;
            input.flush()?;
            sleep(STEP);
        }
        drop(input);
        ensure!(vtysh.wait()?.success(), "vtysh failed");
    } else {
        let loaded = frr.load(&change.script())?;
        ensure!(loaded.accepted, "{}\n{}", loaded.output, change.script());
    }
    for clear in &change.soft_clears {
        frr.vtysh(&[&clear.command()])?;
    }
    Ok(())
}
