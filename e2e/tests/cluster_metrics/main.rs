//! The agent's metrics on a real API server, with FRR and neighbours that count for themselves: who may read them, names, types
//! and labels of MetalLB and of frr-k8s, values, health, and that no secret is in anything that is told.

mod ground;

use anyhow::{Context, Result, ensure};
use ground::{Ground, LIMIT, PORTS, Page};
use herald_e2e::site::service;
use herald_e2e::{Logged, output, wait_for};

/// Everything that must stay where it was put.
const PLANTED: [&str; 2] = ["planted-in-a-peer", "planted-in-a-frrconfiguration"];

const V4: &str = "172.30.0.4";
const V6: &str = "fd30::4";
const RED: &str = "172.29.0.2";

const POOL: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: public, namespace: metallb-system}
spec: {addresses: [192.0.2.0/24, 2001:db8::/120]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: all, namespace: metallb-system}
spec: {}
---
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: received, namespace: metallb-system}
spec:
  bgp:
    routers:
      - asn: 64500
        neighbors:
          - {address: 172.30.0.4, asn: 64501, password: planted-in-a-peer, connectTime: 1s, toReceive: {allowed: {mode: all}}}
          - {address: 'fd30::4', asn: 64501, connectTime: 1s, toReceive: {allowed: {mode: all}}}
          - {address: 172.30.0.99, asn: 64599, password: planted-in-a-frrconfiguration}
      - asn: 64500
        vrf: red
        id: 172.29.0.1
        prefixes: [198.51.100.0/24, 198.51.101.0/24]
        neighbors:
          - {address: 172.29.0.2, asn: 64510, connectTime: 1s, toAdvertise: {allowed: {mode: all}}, toReceive: {allowed: {mode: all}}}
";

/// Both sessions, with the BFD profile of this name.
fn peers(profile: &str) -> String {
    let peer = |name: &str, address: &str, more: &str| {
        format!(
            "---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {{name: {name}, namespace: metallb-system}}\n\
             spec: {{myASN: 64500, peerASN: 64501, peerAddress: '{address}', connectTime: 1s, bfdProfile: {profile}{more}}}\n"
        )
    };
    peer("v4", V4, ", password: planted-in-a-peer") + &peer("v6", V6, "")
}

fn profile(spec: &str) -> String {
    format!(
        "apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {{name: watch, namespace: metallb-system}}\nspec: {{{spec}}}\n"
    )
}

// One test, so that one server and one set of sessions serve all of it.
// frr-k8s metrics
#[test]
fn metrics_are_upstreams_and_count_what_the_neighbours_count() -> Result<()> {
    let mut ground = Ground::new()?;
    ground.site.write("pool.yaml", POOL)?;
    ground.site.write("profile.yaml", &profile(""))?;
    ground.site.write("peers.yaml", &peers("watch"))?;
    ground.start_agent()?;
    let done = all(&mut ground);
    done.logged(|| format!("{}{}", ground.site.logs(), ground.router.logs()))
}

fn all(ground: &mut Ground) -> Result<()> {
    wait_for("the agent is ready", LIMIT, || health(ground))?;
    let token = only_who_may_reads(ground)?;
    before_a_service(ground, &token)?;
    with_a_service(ground, &token)?;
    counters_are_the_neighbours(ground, &token)?;
    in_a_vrf(ground, &token)?;
    bfd(ground, &token)?;
    stale_configuration(ground, &token)?;
    without_frr(ground, &token)?;
    no_secret_is_told(ground, &token)
}

/// Loopback only, on both ports.
fn health(ground: &Ground) -> Result<()> {
    for port in [17472, 7572] {
        let url = |path: &str| format!("http://127.0.0.1:{port}/{path}");
        ensure!(output(&mut ground.curl(&url("healthz"), None, &["--fail"])?)? == "ok");
        let ready = output(&mut ground.curl(&url("readyz?verbose"), None, &["--fail"])?)?;
        ensure!(ready.contains("[+]caches ok\n[+]frr ok\n"), "{ready}");
        let elsewhere = ["-sS", "--max-time", "5", &format!("http://172.30.0.1:{port}/healthz")];
        ensure!(ground.router.namespace().run("curl", &elsewhere).is_err(), "{port} is not loopback only");
    }
    Ok(())
}

/// Returns the token of who may.
fn only_who_may_reads(ground: &Ground) -> Result<String> {
    let (reader, stranger) = (ground.account("prometheus")?, ground.account("stranger")?);
    ground.kube.run(&["create", "clusterrole", "reader", "--verb=get", "--non-resource-url=/metrics"])?;
    let subject = "--serviceaccount=default:prometheus";
    ground.kube.run(&["create", "clusterrolebinding", "reader", "--clusterrole=reader", subject])?;
    for port in PORTS {
        // As Prometheus comes: from another machine.
        let url = format!("https://172.30.0.1:{port}/metrics");
        ensure!(ground.status(&url, None)? == "401", "{port}");
        ensure!(ground.status(&url, Some("no.such.token"))? == "401", "{port}");
        ensure!(ground.status(&url, Some(&stranger))? == "403", "{port}");
        wait_for("the reader may", LIMIT, || {
            let status = ground.status(&url, Some(&reader))?;
            ensure!(status == "200", "{port}: {status}");
            Ok(())
        })?;
        let plain = output(&mut ground.curl(&url.replace("https", "http"), Some(&reader), &[])?);
        ensure!(plain.is_err(), "{port} answers without TLS");
        let old = ground.curl(&url, Some(&reader), &["--tls-max", "1.2"])?.output()?;
        ensure!(!old.status.success(), "{port} speaks TLS 1.2");
    }
    for port in [9121, 9141] {
        let url = format!("https://172.30.0.1:{port}/livez");
        // The lab runs FRR's daemons without their watcher.
        ensure!(ground.status(&url, None)? == "404", "{port}");
        let said = output(&mut ground.curl(&url, None, &[])?)?;
        ensure!(said.starts_with("not running: ") && said.contains("watchfrr"), "{said}");
        ensure!(!said.contains("bgpd") && !said.contains("zebra"), "{said}");
    }
    Ok(reader)
}

/// Of a peer of MetalLB's page, and of frr-k8s'.
fn both(address: &str) -> [(u16, &'static str, String); 2] {
    [(9121, "metallb", format!("{address}:179")), (9141, "frrk8s", address.to_owned())]
}

// BM3, BM4
fn before_a_service(ground: &Ground, token: &str) -> Result<()> {
    for address in [V4, V6] {
        for (port, prefix, peer) in both(address) {
            let labels = [("peer", peer.as_str()), ("vrf", "default")];
            ground.until("the sessions are up and nothing is announced", port, token, |page| {
                page.is(&format!("{prefix}_bgp_session_up"), &labels, 1.0)?;
                page.is(&format!("{prefix}_bgp_announced_prefixes_total"), &labels, 0.0)
            })?;
        }
    }
    let page = ground.page(9120, token)?;
    ensure!(!page.text.contains("metallb_speaker_announced"), "{}", page.text);
    Ok(())
}

/// A Service with an address of each family: then every family of every port is there.
fn with_a_service(ground: &Ground, token: &str) -> Result<()> {
    ground.site.write("service.yaml", &service("web", &["192.0.2.10", "2001:db8::10"], true))?;
    ground.site.record()?;
    for address in [V4, V6] {
        for (port, prefix, peer) in both(address) {
            // As most people ask: without the VRF.
            let labels = [("peer", peer.as_str())];
            ground.until("the address is announced", port, token, |page| {
                page.is(&format!("{prefix}_bgp_announced_prefixes_total"), &labels, 1.0)?;
                page.at_least(&format!("{prefix}_bgp_updates_total"), &labels, 1.0)
            })?;
        }
    }
    let page = ground.until("the Service is shown and was timed", 9120, token, |page| {
        for ip in ["192.0.2.10", "2001:db8::10"] {
            let labels = [("node", "node1"), ("protocol", "bgp"), ("service", "default/web"), ("ip", ip)];
            page.is("metallb_speaker_announced", &labels, 1.0)?;
        }
        page.at_least("herald_event_applied_seconds_count", &[], 1.0)?;
        page.at_least("herald_event_seen_seconds_count", &[], 1.0)?;
        configuration_is_fine(page, "metallb")
    })?;
    page.is_as_golden(9120)?;
    let page = ground
        .until("frr-k8s' page says so, too", 9140, token, |page| configuration_is_fine(page, "frrk8s"))?;
    page.is_as_golden(9140)?;
    for port in [9121, 9141] {
        ground.until("sessions and BFD have all families", port, token, |page| page.is_as_golden(port))?;
    }
    // B71
    let log = ground.site.agent_log();
    let said = |line: &&str| line.contains("reload-validate") && line.contains("success");
    let line = log.lines().find(said).context("no line of the log says that FRR took it")?;
    let line: serde_json::Value = serde_json::from_str(line)?;
    for key in ["ts", "level", "caller", "msg"] {
        ensure!(line[key].is_string(), "{key}: {line}");
    }
    Ok(())
}

fn configuration_is_fine(page: &Page, prefix: &str) -> Result<()> {
    page.is(&format!("{prefix}_k8s_client_config_loaded_bool"), &[], 1.0)?;
    page.is(&format!("{prefix}_k8s_client_config_stale_bool"), &[], 0.0)?;
    page.at_least(&format!("{prefix}_k8s_client_updates_total"), &[], 1.0)
}

// BM1, BM2
// frr-k8s: metrics, IPV4 - advertise and receive
// frr-k8s: metrics, IPV6 - advertise and receive
// frr-k8s: metrics, DUALSTACK - advertise and receive
fn counters_are_the_neighbours(ground: &Ground, token: &str) -> Result<()> {
    for (address, own, received) in [(V4, "172.30.0.1", 2.0), (V6, "fd30::1", 1.0)] {
        for (port, prefix, peer) in both(address) {
            let labels = [("peer", peer.as_str())];
            let page = ground.until("it counts what the router counts", port, token, |page| {
                let of = ground.router.json(&format!("show bgp neighbors {own} json"))?;
                let theirs = &of[own]["messageStats"];
                // Not OPENs: both may begin, and one connection of two is given up (RFC 4271, 6.8).
                for (ours, field) in [
                    ("updates_total", "updatesRecv"),
                    ("updates_total_received", "updatesSent"),
                    ("route_refresh_sent", "routeRefreshRecv"),
                ] {
                    let count = theirs[field].as_f64().with_context(|| format!("{field}: {of}"))?;
                    page.is(&format!("{prefix}_bgp_{ours}"), &labels, count)?;
                }
                Ok(())
            })?;
            for name in
                ["opens_sent", "opens_received", "keepalives_sent", "keepalives_received", "total_sent"]
            {
                page.at_least(&format!("{prefix}_bgp_{name}"), &labels, 1.0)?;
            }
            if prefix == "frrk8s" {
                page.is("frrk8s_bgp_received_prefixes_total", &labels, received)?;
            }
        }
    }
    Ok(())
}

// frr-k8s: metrics, IPV4 - VRF - advertise and receive
fn in_a_vrf(ground: &Ground, token: &str) -> Result<()> {
    for (port, prefix, peer) in both(RED) {
        let labels = [("peer", peer.as_str()), ("vrf", "red")];
        ground.until("the session in the VRF is shown", port, token, |page| {
            page.is(&format!("{prefix}_bgp_session_up"), &labels, 1.0)?;
            page.is(&format!("{prefix}_bgp_announced_prefixes_total"), &labels, 2.0)?;
            if prefix == "frrk8s" {
                page.is("frrk8s_bgp_received_prefixes_total", &labels, 1.0)?;
            }
            let of = ground.customer.json("show bgp neighbors 172.29.0.1 json")?;
            let sent = of["172.29.0.1"]["messageStats"]["updatesRecv"].as_f64().context("no count")?;
            page.is(&format!("{prefix}_bgp_updates_total"), &labels, sent)
        })?;
    }
    Ok(())
}

fn bfd(ground: &Ground, token: &str) -> Result<()> {
    // BM5, BM7
    // frr-k8s: metrics, BFD IPV4 - default
    // frr-k8s: metrics, BFD IPV6 - default
    bfd_is_up(ground, token, false)?;
    // BM8
    // frr-k8s: metrics, BFD IPV4 - full params
    let full = "receiveInterval: 60, transmitInterval: 61, echoInterval: 62, minimumTtl: 254";
    ground.site.write("profile.yaml", &profile(full))?;
    bfd_is_up(ground, token, false)?;
    // BM6
    // frr-k8s: metrics, BFD IPV4 - echo mode enabled
    let echo = "receiveInterval: 80, transmitInterval: 81, echoInterval: 82, echoMode: true, minimumTtl: 254";
    // Not with IPv6: FRR has no echo there, and MetalLB refuses it.
    ground.site.write("pool.yaml", &POOL.replace(", 2001:db8::/120", ""))?;
    ground.site.write("profile.yaml", &profile(echo))?;
    bfd_is_up(ground, token, true)?;
    // The other end gives BFD up.
    ground.router.vtysh(&["configure terminal", "router bgp 64501", "no neighbor 172.30.0.1 bfd"])?;
    for (port, prefix, _) in both(V4) {
        ground.until("BFD is down", port, token, |page| {
            page.is(&format!("{prefix}_bfd_session_up"), &[("peer", V4)], 0.0)?;
            page.at_least(&format!("{prefix}_bfd_session_down_events"), &[("peer", V4)], 1.0)
        })?;
    }
    ground.site.write("profile.yaml", &profile(""))?;
    ground.site.write("pool.yaml", POOL)?;
    ground.router.vtysh(&["configure terminal", "router bgp 64501", "neighbor 172.30.0.1 bfd"]).map(drop)
}

fn bfd_is_up(ground: &Ground, token: &str, echo: bool) -> Result<()> {
    for (address, own) in [(V4, "172.30.0.1"), (V6, "fd30::1")] {
        for (port, prefix, _) in both(address) {
            let labels = [("peer", address), ("vrf", "default")];
            ground.until("BFD is up", port, token, |page| {
                page.is(&format!("{prefix}_bfd_session_up"), &labels, 1.0)?;
                for name in [
                    "control_packet_input",
                    "control_packet_output",
                    "session_up_events",
                    "zebra_notifications",
                ] {
                    page.at_least(&format!("{prefix}_bfd_{name}"), &labels, 1.0)?;
                }
                if echo && address == V4 {
                    page.at_least(&format!("{prefix}_bfd_echo_packet_input"), &labels, 1.0)?;
                    page.at_least(&format!("{prefix}_bfd_echo_packet_output"), &labels, 1.0)?;
                }
                let theirs = ground.router.json("show bfd peers counters json")?;
                let of = theirs
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|of| of["peer"] == own)
                    .context("no BFD there")?;
                ensure!(of["session-up"].as_f64().is_some_and(|ups| ups >= 1.0), "{of}");
                Ok(())
            })?;
        }
    }
    Ok(())
}

// BM9
// frr-k8s: metrics, IPV4 - exposes metrics for bad config
fn stale_configuration(ground: &Ground, token: &str) -> Result<()> {
    let both = [(9120, "metallb"), (9140, "frrk8s")];
    let stale = |what: &str, value: f64| -> Result<()> {
        for (port, prefix) in both {
            ground.until(what, port, token, |page| {
                page.is(&format!("{prefix}_k8s_client_config_stale_bool"), &[], value)?;
                page.is(&format!("{prefix}_k8s_client_config_loaded_bool"), &[], 1.0)?;
                page.at_least(&format!("{prefix}_k8s_client_updates_total"), &[], 1.0)?;
                let errors = format!("{prefix}_k8s_client_update_errors_total");
                if value > 0.0 { page.at_least(&errors, &[], 1.0) } else { Ok(()) }
            })?;
        }
        Ok(())
    };
    ground.site.write("peers.yaml", &peers("no-such-profile"))?;
    stale("a BFD profile is missing", 1.0)?;
    ground.site.write("peers.yaml", &peers("watch"))?;
    stale("it is there", 0.0)?;
    let secret = "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {name: secret, namespace: metallb-system}\n\
        spec: {bgp: {routers: [{asn: 64500, neighbors: [{address: 172.30.0.98, asn: 64598, passwordSecret: {name: nonexisting}}]}]}}\n";
    ground.site.write("secret.yaml", secret)?;
    stale("a Secret is missing", 1.0)?;
    ground.site.write("secret.yaml", "")?;
    stale("it is not asked for any more", 0.0)
}

/// What FRR does not answer is not made up.
fn without_frr(ground: &mut Ground, token: &str) -> Result<()> {
    ground.site.frr.kill("bgpd")?;
    for port in [9121, 9141] {
        // BFD's may be gone, too: bfdd ends sessions that nobody asks for any more.
        ground.until("sessions have no samples", port, token, |page| {
            ensure!(!page.text.contains("_bgp_") && page.text.contains("process_"), "there are samples");
            Ok(())
        })?;
    }
    ground.site.frr.boot()?;
    for (port, prefix, peer) in both(V4) {
        ground.until("they are back", port, token, |page| {
            page.is(&format!("{prefix}_bgp_session_up"), &[("peer", peer.as_str())], 1.0)
        })?;
    }
    Ok(())
}

fn no_secret_is_told(ground: &Ground, token: &str) -> Result<()> {
    let mut told = vec![("the log".to_owned(), ground.site.agent_log())];
    for port in PORTS {
        told.push((format!("{port}"), ground.page(port, token)?.text));
    }
    let rendered = ground.site.frr.running()?;
    for secret in PLANTED {
        ensure!(rendered.contains(secret), "{secret} never reached FRR");
        for (place, text) in &told {
            ensure!(!text.contains(secret), "{secret} stands in {place}: {text}");
        }
    }
    for (place, text) in &told {
        ensure!(!text.contains(token) && !text.contains("PRIVATE KEY"), "{place}: {text}");
    }
    Ok(())
}
