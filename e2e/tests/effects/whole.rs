//! Statements that are about no single session: prefixes, imports, EVPN, and the router itself.

use super::rows::{Form, GOLD, IRON, LEAD, OURS, SILVER, asn, entry, list};
use super::{Site, config, restarted};
use anyhow::{Context, Result, ensure};
use herald_frr::config::{Evpn, FrrConfig, Network, Origins, RouteMap, Router, VniPolicy};
use herald_frr::shared::SharedMap;
use herald_frr::value::{Family, InterfaceName, Tag, Vni};
use std::thread::sleep;
use std::time::Duration;

/// As of the other steps; no route-map changes here.
const SETTLED: Duration = Duration::from_secs(2);

/// Routers, classes and lists, before any session. None of it restarts one.
pub fn around(form: Form) -> Result<FrrConfig> {
    let mut config = FrrConfig::default();
    for (name, tag) in [("adv-gold", GOLD), ("adv-silver", SILVER), ("adv-lead", LEAD), ("adv-iron", IRON)] {
        let mut class = entry();
        class.sets.tag = Some(Tag::ours(tag));
        config.route_maps.insert(name.parse()?, RouteMap { entries: [(1, class)].into() });
    }
    for (name, net) in [("some", "10.0.0.0/8"), ("others", "192.168.0.0/16")] {
        config.prefix_lists.insert((name.parse()?, Family::V4), list(net)?);
    }
    let (red, vni): (InterfaceName, Vni) = ("red".parse()?, 500.try_into()?);
    let mut default = router(&["192.0.2.1/32"], "adv-gold")?;
    let mut other = router(&["192.0.2.50/32"], "adv-silver")?;
    if form != Form::Plain {
        let class = if form == Form::One { "adv-lead" } else { "adv-iron" };
        default.networks.extend(router(&["198.51.100.1/32"], class)?.networks);
        default.imports.insert(Some(red.clone()));
        let number = if form == Form::One { 7 } else { 8 };
        let policy = policy(number)?;
        default.evpn = Some(Evpn {
            advertise_all_vni: true,
            advertise_svi_ip: true,
            l2vnis: [(100.try_into()?, policy.clone())].into(),
            ..Evpn::default()
        });
        other.evpn = Some(Evpn { l3vni: Some(policy), ..Evpn::default() });
        config.vrf_vnis.insert(red.clone(), (vni, Origins::new()));
    }
    config.routers.insert(None, default);
    config.routers.insert(Some(red), other);
    Ok(config)
}

fn policy(number: u16) -> Result<VniPolicy> {
    Ok(VniPolicy {
        rd: Some(format!("64500:{number}").parse()?),
        import_targets: [format!("64500:{number}").parse()?].into(),
        export_targets: [format!("64500:{number}").parse()?].into(),
    })
}

fn router(prefixes: &[&str], class: &str) -> Result<Router> {
    let network = |prefix: &&str| -> Result<_> {
        Ok((prefix.parse()?, Network { class: Some(class.parse()?), origins: Origins::new() }))
    };
    Ok(Router {
        asn: asn(OURS)?,
        router_id: None,
        imports: [].into(),
        neighbors: SharedMap::new(),
        networks: prefixes.iter().map(network).collect::<Result<_>>()?,
        evpn: None,
        origins: Origins::new(),
    })
}

/// Router id and AS number: every session restarts, and none for what FRR's defaults are brought back for.
pub fn routers(site: &mut Site) -> Result<()> {
    let plain = config(Form::Plain)?;
    site.settled(SETTLED)?;
    let drifted = "router bgp 64500\n bgp network import-check\n no bgp graceful-restart preserve-fw-state\n \
        bgp ebgp-requires-policy\n coalesce-time 900\nexit\nno ip nht resolve-via-default\n";
    let loaded = site.frr.load(drifted)?;
    ensure!(loaded.accepted, "{}", loaded.output);
    step(site, &plain, false, "defaults")?;
    for (id, what) in [(Some("10.9.0.1"), "set"), (Some("10.9.0.2"), "changed"), (None, "removed")] {
        let mut config = plain.clone();
        let router = config.routers.get_mut(&None).context("no router")?;
        router.router_id = id.map(str::parse).transpose()?;
        step(site, &config, true, &format!("router id {what}"))?;
    }
    let mut other = plain.clone();
    for router in other.routers.values_mut() {
        router.asn = asn(OURS + 50)?;
    }
    step(site, &other, true, "AS number changed")?;
    site.apply(&plain)?;
    site.settled(SETTLED)?;
    let mut none = plain.clone();
    none.routers.remove(&None);
    step(site, &none, true, "router removed")
}

/// Applies a change and holds that all sessions, or none, restart.
fn step(site: &mut Site, config: &FrrConfig, restart: bool, what: &str) -> Result<()> {
    let before = site.settled(SETTLED)?;
    let change = site.apply(config)?;
    sleep(SETTLED);
    let after = site.seen()?;
    let wrong: Vec<_> =
        before.iter().filter(|(name, old)| restarted(**old, after.get(*name).copied()) != restart).collect();
    ensure!(wrong.is_empty(), "{what}: {wrong:?}\n{}", change.script());
    ensure!(change.resets.is_empty() != restart, "{what}: {:?}", change.resets);
    Ok(())
}
