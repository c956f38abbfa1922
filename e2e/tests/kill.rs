//! The agent killed at any moment of an apply, again and again: FRR ends exactly as the manifests ask, and the neighbour
//! never notices. `HERALD_KILLS` says how often (default 8), `HERALD_SEED` repeats a run.

use anyhow::{Context, Result, ensure};
use herald_e2e::many::announced;
use herald_e2e::site::{NODE, Site};
use herald_e2e::updates::{Heard, Prefix, Updates};
use herald_e2e::{Bird, Logged, Release, as_frr_runs, statements, wait_for};
use nix::sys::signal::{Signal, kill};
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Shorter than the full read-back of once a minute: nothing may have to wait for that.
const LIMIT: Duration = Duration::from_secs(40);

/// Services that all manifests have, and of each of the groups that come and go.
const KEPT: u8 = 100;
const GROUP: u8 = 150;
const GROUPS: u8 = 3;

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    ipv4 { import all; export none; }; }\n";

/// What somebody else runs in the same FRR.
const FOREIGN: &str = "\
ip prefix-list theirs seq 5 permit 198.18.0.0/15
route-map theirs permit 10
 match ip address prefix-list theirs
exit
router bgp 64999 vrf theirs
 bgp router-id 10.9.9.9
 no bgp ebgp-requires-policy
 neighbor 10.9.9.1 remote-as 64998
exit
";

/// Numbers that a seed repeats (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

fn services(group: u8, count: u8) -> String {
    let one = |n| announced(&format!("{group}-{n}"), Ipv4Addr::new(10, 64, group, n), NODE);
    (0..count).map(one).collect::<Vec<_>>().join("---\n")
}

fn site() -> Result<Site> {
    let site = Site::new(Release::V10, FOREIGN)?;
    site.write("pool.yaml", "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: pool, namespace: metallb-system}\nspec: {addresses: [10.64.0.0/16]}\n")?;
    site.write("peer.yaml", &peer("bird", 2))?;
    site.write("kept.yaml", &services(0, KEPT))?;
    site.write("advertisement.yaml", &advertisement(0))?;
    Ok(site)
}

fn peer(name: &str, number: u8) -> String {
    format!(
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: {name}, namespace: metallb-system}}\n\
         spec: {{myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.{number}, connectTime: 1s}}\n"
    )
}

fn advertisement(community: u64) -> String {
    format!(
        "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {{name: all, namespace: metallb-system}}\n\
         spec: {{communities: [\"64500:{community}\"]}}\n"
    )
}

/// Changes something: a group of Services, the attributes of all, or a neighbour that never answers.
fn change(site: &Site, random: &mut Random) -> Result<()> {
    let what = random.below(u64::from(GROUPS) + 2);
    let toggle = |name: &str, text: &str| -> Result<()> {
        let path = site.manifests.join(name);
        if path.exists() { fs::remove_file(path).context("remove") } else { site.write(name, text) }
    };
    match u8::try_from(what)? {
        GROUPS => site.write("advertisement.yaml", &advertisement(random.below(5))),
        group if group < GROUPS => toggle(&format!("group-{group}.yaml"), &services(group + 1, GROUP)),
        _ => toggle("silent.yaml", &peer("silent", 99)),
    }
}

/// FRR runs what it ran at first, and what the manifests ask for, and nothing else.
fn exactly(site: &Site, first: &BTreeSet<String>) -> Result<()> {
    let mut wanted = as_frr_runs(&site.rendered()?);
    wanted.extend(first.iter().cloned());
    let running = statements(&site.frr.running()?);
    let differing: Vec<_> = wanted.symmetric_difference(&running).take(10).collect();
    ensure!(differing.is_empty(), "missing or too many: {differing:?}");
    Ok(())
}

/// The session stayed, and so did the routes that all manifests have.
fn unnoticed(updates: &mut Updates) -> Result<()> {
    let kept = |prefix: &Prefix| matches!(prefix.0, IpAddr::V4(address) if address.octets()[2] == 0);
    for message in updates.read()? {
        ensure!(message.heard != Heard::Down, "the session was reset");
        if let Heard::Update { withdrawn, .. } = &message.heard {
            let lost: Vec<_> = withdrawn.iter().filter(|prefix| kept(prefix)).collect();
            ensure!(lost.is_empty(), "withdrawn: {lost:?}");
        }
    }
    Ok(())
}

/// The neighbour has what the manifests ask for.
fn at_the_neighbour(site: &Site, bird: &Bird) -> Result<()> {
    let groups =
        (0..GROUPS).filter(|group| site.manifests.join(format!("group-{group}.yaml")).exists()).count();
    let wanted = usize::from(KEPT) + groups * usize::from(GROUP);
    let found = bird.ask("show route count")?;
    ensure!(found.contains(&format!("{wanted} of ")), "{wanted} routes wanted: {found}");
    Ok(())
}

#[test]
fn an_agent_killed_at_any_moment_leaves_nothing_half_done() -> Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("HERALD_KILLS").unwrap_or(8);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    let seed = number("HERALD_SEED").unwrap_or_else(|| now.into());
    println!("seed {seed}, {kills} kills");
    let mut random = Random(seed);
    let mut site = site()?;
    let first = statements(&site.frr.running()?);
    site.start_agent()?;
    let (bird, mut updates) = site.recorded_bird(BIRD)?;
    let settled = |site: &Site| -> Result<()> {
        wait_for("FRR is exactly as wanted", LIMIT, || exactly(site, &first)).logged(|| site.logs())?;
        wait_for("the neighbour has it", LIMIT, || at_the_neighbour(site, &bird)).logged(|| site.logs())
    };
    settled(&site)?;
    unnoticed(&mut updates)?;
    for kill in 0..kills {
        change(&site, &mut random)?;
        sleep(Duration::from_millis(random.below(350)));
        site.agent.take().context("no agent")?.process().kill()?;
        if random.below(2) == 0 {
            change(&site, &mut random)?;
        }
        site.start_agent()?;
        settled(&site)
            .and_then(|()| unnoticed(&mut updates))
            .with_context(|| format!("kill {kill} of seed {seed}"))?;
    }
    nothing_left(&mut site)
}

/// In the place of `vtysh`: the first apply that ends FRR's hold of new sessions gets no further than the timer, and
/// then it, and the agent too where a file says so, is killed.
const CUT_SHORT: &str = "
lines=/proc/self/fd/0
if ! grep -qsx 'bgp route-map delay-timer 1' $lines || [ -e STATE/was-cut ]; then exec vtysh \"$@\"; fi
sed '/^bgp route-map delay-timer 1$/q' $lines > STATE/half
vtysh -f STATE/half
mv STATE/half STATE/was-cut
if [ -e STATE/agent-too ]; then kill -9 $PPID; fi
kill -9 $$
";

/// decisions/0010: a `vtysh` that is killed there leaves a timer of one second, which no manifest asks for.
fn cut_short(agent_too: bool) -> Result<()> {
    let mut site = site()?;
    let first = statements(&site.frr.running()?);
    let folder = site.frr.folder().join("cut");
    fs::create_dir(&folder)?;
    let inside = site.frr.inside(&folder)?.display().to_string();
    fs::write(folder.join("vtysh"), CUT_SHORT.replace("STATE", &inside))?;
    if agent_too {
        fs::write(folder.join("agent-too"), "")?;
    }
    let script = format!("{inside}/vtysh");
    site.start_agent_with(&["--vtysh", "/bin/sh", &format!("--vtysh-arg={script}")])?;
    wait_for("vtysh was killed", LIMIT, || {
        ensure!(folder.join("was-cut").exists());
        Ok(())
    })
    .logged(|| site.logs())?;
    if agent_too {
        let left = site.frr.running()?;
        ensure!(left.contains("bgp route-map delay-timer 1\n"), "nothing to take away: {left}");
        site.start_agent()?;
    }
    wait_for("FRR is exactly as wanted", LIMIT, || exactly(&site, &first)).logged(|| site.logs())?;
    let running = site.frr.running()?;
    ensure!(!running.contains("delay-timer"), "{running}");
    let bird = site.bird(BIRD)?;
    wait_for("the neighbour has it", LIMIT, || at_the_neighbour(&site, &bird)).logged(|| site.logs())
}

#[test]
fn a_vtysh_killed_while_it_ends_the_hold_of_sessions_leaves_no_timer() -> Result<()> {
    cut_short(false)
}

#[test]
fn an_agent_killed_with_it_takes_the_timer_away_at_its_next_start() -> Result<()> {
    cut_short(true)
}

/// The ids of the `vtysh -f` that run, parent and children.
fn applying(site: &Site) -> Result<BTreeSet<u32>> {
    let mut ids = site.frr.namespace().processes()?;
    ids.retain(|(id, name)| {
        let command = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        name == "vtysh" && command.split('\0').any(|word| word == "-f")
    });
    Ok(ids.into_iter().map(|(id, _)| id).collect())
}

/// A killed agent cannot end its own vtysh, which would go on giving FRR what that agent wanted after the next one has
/// looked.
#[test]
fn a_vtysh_that_a_killed_agent_left_is_ended_by_the_next_one() -> Result<()> {
    let mut site = site()?;
    let first = statements(&site.frr.running()?);
    let right =
        |site: &Site, when: &str| wait_for(when, LIMIT, || exactly(site, &first)).logged(|| site.logs());
    site.start_agent_with(&["--deadline=600"])?;
    right(&site, "FRR is exactly as wanted")?;
    wait_for("it has seen that", LIMIT, || {
        ensure!(site.agent_log().contains("\"event\":\"Applied\""));
        Ok(())
    })?;
    // A bgpd that hangs keeps vtysh from getting any further.
    let bgpd = site.frr.id("bgpd")?;
    kill(bgpd, Signal::SIGSTOP)?;
    let ended = left_and_ended(&mut site);
    kill(bgpd, Signal::SIGCONT)?;
    ended.logged(|| site.logs())?;
    right(&site, "FRR is exactly as wanted again")?;
    nothing_left(&mut site)
}

fn left_and_ended(site: &mut Site) -> Result<()> {
    site.write("silent.yaml", &peer("silent", 99))?;
    let left = wait_for("a vtysh is at work", LIMIT, || {
        let left = applying(site)?;
        ensure!(!left.is_empty());
        Ok(left)
    })?;
    site.agent.take().context("no agent")?.process().kill()?;
    ensure!(!applying(site)?.is_empty(), "it ended with its agent");
    fs::remove_file(site.manifests.join("silent.yaml"))?;
    site.start_agent()?;
    wait_for("it is ended", LIMIT, || {
        let still = applying(site)?;
        ensure!(still.is_disjoint(&left), "{still:?}");
        ensure!(site.agent_log().contains("\"event\":\"VtyshEnded\""));
        Ok(())
    })
}

/// Neither processes nor files of killed agents.
fn nothing_left(site: &mut Site) -> Result<()> {
    site.agent.take().context("no agent")?.process().stop()?;
    let daemons = site.frr.ids();
    let started = Instant::now();
    wait_for("no process is left", Duration::from_secs(15), || {
        let left: Vec<_> =
            site.frr.namespace().processes()?.into_iter().filter(|(id, _)| !daemons.contains(id)).collect();
        ensure!(left.is_empty(), "{left:?} after {:?}", started.elapsed());
        Ok(())
    })?;
    let state = site.frr.folder().join("herald-state");
    let mut left = Vec::new();
    for entry in fs::read_dir(&state)? {
        let path = entry?.path();
        // What docs/agent.md names; a file that was being written has another name.
        if !path.is_dir()
            && !path.extension().is_some_and(|end| end == "conf" || end == "json" || end == "lock")
        {
            left.push(path);
        }
    }
    ensure!(left.is_empty(), "left in the state folder: {left:?}");
    Ok(())
}
