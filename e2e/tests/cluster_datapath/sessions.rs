//! What a BGPPeer says of its sessions, as the FRR router sees them.

use crate::ground::{Ground, Wish, object};
use anyhow::{Context, Result, ensure};
use herald_e2e::cluster::{LIMIT, NODES, Router, addresses};
use herald_e2e::{Logged, wait_for};
use serde_json::{Value, json};

const ALL: &[u8] = &[1, 2, 3];

/// A BGPPeer for a router: 253 is FRR, 254 is BIRD; `more` is added to the usual fields.
pub fn peer(name: &str, router: u8, six: bool, more: &Value) -> Value {
    let address = &addresses(router)[usize::from(six)];
    let asn = if router == 254 { 64501 } else { 64500 };
    let mut spec = json!({"myASN": 64500, "peerASN": asn, "peerAddress": address, "connectTime": "1s"});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    // `null` takes a usual one away.
    spec.as_object_mut().into_iter().for_each(|spec| spec.retain(|_, value| !value.is_null()));
    object("BGPPeer", name, spec)
}

/// Peers of all four kinds of session, `more` in each.
pub fn four(more: &Value) -> Vec<Value> {
    [("frr", 253, false), ("frr-v6", 253, true), ("bird", 254, false), ("bird-v6", 254, true)]
        .map(|(name, router, six)| peer(name, router, six, more))
        .into()
}

impl Ground {
    /// What the FRR router says of every node's session.
    pub fn sessions(&self) -> Result<Vec<Value>> {
        let said = self.cluster.router.json("show bgp neighbors json")?;
        let own = |number: u8| addresses(number).map(|address| said[address].clone());
        Ok((1..=NODES).flat_map(own).collect())
    }

    /// Waits until `wanted` holds of every node's session with the FRR router.
    fn every_session(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        wait_for(&format!("every session {what}"), LIMIT, || {
            for session in self.sessions()? {
                ensure!(session["bgpState"] == "Established", "not Established: {session}");
                ensure!(wanted(&session), "{session}");
            }
            Ok(())
        })
        .logged(|| self.cluster.logs())
    }
}

/// A router id that a peer asks for, and sessions that can restart gracefully.
// B26, B27, B28, B29
pub fn identity(ground: &mut Ground) -> Result<()> {
    ground.peers(&four(&json!({"routerID": "10.10.10.1", "enableGracefulRestart": true})))?;
    ground.every_session("has the router id", |session| session["remoteRouterId"] == "10.10.10.1")?;
    ground.every_session("restarts gracefully", |session| {
        session.to_string().contains(r#""remoteGrMode":"Restart""#)
    })
}

/// Passwords from Secrets.
// B32, B33
pub fn passwords(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.routers("password \"s3cret-and-long\";", &["password s3cret-and-long"])?;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth",
        "metadata": {"name": "bgp", "namespace": "metallb-system", "labels": {"row": "yes"}},
        "stringData": {"password": "s3cret-and-long"}});
    ground.apply(&[secret])?;
    ground.peers(&four(&json!({"passwordSecret": {"name": "bgp"}})))?;
    ground.services(&[Wish::new("both").at(&["198.51.100.32", "2001:db8:100::32"])])?;
    ground.announced(&["198.51.100.32", "2001:db8:100::32"], ALL)?;
    ground.cluster.wait_sessions(true)
}

/// Timers are in force, and again after an edit; a session carries its own family alone, and the nodes' FRR sees the router.
// B16, B17, B73, B74
pub fn timers(ground: &mut Ground) -> Result<()> {
    for (hold, keepalive) in [("180s", "60s"), ("30s", "10s")] {
        ground.peers(&four(&json!({"holdTime": hold, "keepaliveTime": keepalive, "connectTime": "10s"})))?;
        let milliseconds =
            |text: &str| text.trim_end_matches('s').parse::<u64>().map(|seconds| seconds * 1000);
        let (hold, keepalive) = (milliseconds(hold)?, milliseconds(keepalive)?);
        ground.every_session("has the lower hold time", |session| {
            session["bgpTimerHoldTimeMsecs"] == hold.min(180_000)
                && session["bgpTimerKeepAliveIntervalMsecs"] == keepalive.min(60_000)
        })?;
    }
    for node in &ground.cluster.nodes {
        for (address, family) in addresses(253).iter().zip(["ipv4Unicast", "ipv6Unicast"]) {
            let said = node.frr.json(&format!("show bgp neighbors {address} json"))?;
            let session = &said[address];
            ensure!(session["bgpState"] == "Established", "{session}");
            ensure!(session["connectRetryTimer"] == 10, "{session}");
            let families = session["addressFamilyInfo"].as_object().context("no families")?;
            ensure!(families.keys().eq([family]), "{families:?}");
        }
    }
    Ok(())
}

/// `dynamicASN`: the right kind comes up, the wrong one never does.
// B78, B79, B80, B81
pub fn dynamic_as(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.services(&[Wish::new("both").at(&["198.51.100.78", "2001:db8:100::78"])])?;
    let dynamic = |internal: &str, external: &str| {
        let kinds = [
            ("frr", 253, false, internal),
            ("frr-v6", 253, true, internal),
            ("bird", 254, false, external),
            ("bird-v6", 254, true, external),
        ];
        kinds.map(|(name, router, six, kind)| {
            peer(name, router, six, &json!({"peerASN": null, "dynamicASN": kind}))
        })
    };
    ground.peers(&dynamic("internal", "external"))?;
    ground.announced(&["198.51.100.78", "2001:db8:100::78"], ALL)?;
    ground.peers(&dynamic("external", "internal"))?;
    ground.only(Router::Bird, &[])?;
    ground.only(Router::Frr, &[])?;
    // Each has tried, and was told no, since.
    let refused = |session: &Value| {
        session["messageStats"]["notificationsSent"].as_u64().unwrap_or_default()
            + session["messageStats"]["notificationsRecv"].as_u64().unwrap_or_default()
    };
    let before: Vec<u64> = ground.sessions()?.iter().map(refused).collect();
    wait_for("every node has tried again", LIMIT, || {
        let sessions = ground.sessions()?;
        for (session, before) in sessions.iter().zip(&before) {
            ensure!(session["bgpState"] != "Established", "{session}");
            ensure!(refused(session) > *before, "not tried: {session}");
        }
        Ok(())
    })
}

/// A session that is reset comes back.
// B75
pub fn reset(ground: &mut Ground) -> Result<()> {
    // Only the nodes call.
    ground.routers("passive on;", &["passive"])?;
    ground.peers(&four(&json!({"connectTime": "2s"})))?;
    ground.cluster.wait_sessions(true)?;
    let before: Vec<Value> =
        ground.sessions()?.iter().map(|session| session["connectionsDropped"].clone()).collect();
    ground.cluster.router.vtysh(&["clear bgp *"])?;
    ground.every_session("is back", |_| true)?;
    let after: Vec<Value> =
        ground.sessions()?.iter().map(|session| session["connectionsDropped"].clone()).collect();
    ensure!(
        before.iter().zip(&after).all(|(before, after)| before.as_u64() < after.as_u64()),
        "{before:?} {after:?}"
    );
    Ok(())
}

/// Every node has an AS number of its own towards one router.
// NS16
pub fn own_as_numbers(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    let mut text = herald_e2e::cluster::bird_config("");
    let mut peers = Vec::new();
    for node in ALL {
        for address in addresses(*node) {
            text = text.replace(
                &format!("neighbor {address} as 64500"),
                &format!("neighbor {address} as {}", 64510 + u32::from(*node)),
            );
        }
        let more = json!({"myASN": 64510 + u32::from(*node), "nodeSelectors": crate::ground::on(&[*node])});
        peers.push(peer(&format!("bird-{node}"), 254, false, &more));
        peers.push(peer(&format!("bird-v6-{node}"), 254, true, &more));
    }
    ground.routers("", &[])?;
    ground.cluster.bird.configure(&text)?;
    ground.peers(&peers)?;
    ground.services(&[Wish::new("both").at(&["198.51.100.79", "2001:db8:100::79"])])?;
    ground.routes(Router::Bird, "198.51.100.79/32", ALL, |_| true)?;
    ground.routes(Router::Bird, "2001:db8:100::79/128", ALL, |_| true)
}

/// The nodes show another AS number to a router than their own.
// B30, B31
pub fn local_as(ground: &mut Ground) -> Result<()> {
    ground.plain()?;
    ground.routers("", &[])?;
    let text = herald_e2e::cluster::bird_config("").replace(" as 64500;", " as 64777;");
    ground.cluster.bird.configure(&text)?;
    let local = json!({"localASN": 64777});
    ground.peers(&[peer("bird", 254, false, &local), peer("bird-v6", 254, true, &local)])?;
    ground.services(&[Wish::new("both").at(&["198.51.100.30", "2001:db8:100::30"])])?;
    for prefix in ["198.51.100.30/32", "2001:db8:100::30/128"] {
        ground.routes(Router::Bird, prefix, ALL, |_| true)?;
        for route in ground.cluster.bird.routes_to(prefix)? {
            ensure!(route.attribute("BGP.as_path") == Some("64777"), "{route:?}");
        }
    }
    Ok(())
}

/// Both families on one session, over either family.
// M1, M2, M3, M4, M5, M6
pub fn both_families(ground: &mut Ground) -> Result<()> {
    let (four, six) = ("198.51.100.90", "2001:db8:100::90");
    ground.plain()?;
    ground.apply(&[crate::ground::advertisement(
        "all",
        json!({"communities": ["64500:9"], "localPref": 190}),
    )])?;
    ground.cluster.set_both_families()?;
    ground.services(&[Wish::new("both").at(&[four, six])])?;
    let dual = json!({"dualStackAddressFamily": true});
    for families in [vec![false], vec![true], vec![false, true]] {
        ground.services(&[Wish::new("both").at(&[four, six])])?;
        let mut peers = Vec::new();
        for over_six in &families {
            let end = if *over_six { "-v6" } else { "" };
            peers.push(peer(&format!("frr{end}"), 253, *over_six, &dual));
            peers.push(peer(&format!("bird{end}"), 254, *over_six, &dual));
        }
        ground.peers(&peers)?;
        for router in [Router::Bird, Router::Frr] {
            for prefix in [format!("{four}/32"), format!("{six}/128")] {
                ground.routes(router, &prefix, ALL, |route| {
                    route.communities.contains("64500:9") && route.local_pref.is_none_or(|seen| seen == 190)
                })?;
            }
        }
        for (name, only) in [("only-four", "198.51.100.91"), ("only-six", "2001:db8:100::91")] {
            ground.services(&[Wish::new(name).at(&[only])])?;
            ground.announced(&[only], ALL)?;
            ground.delete("service", name)?;
            ground.announced(&[only], &[])?;
        }
    }
    Ok(())
}
