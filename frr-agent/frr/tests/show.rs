//! How frr-k8s reads FRR's JSON, as data: sessions, BFD, and the samples that its metrics make of them.
//!
//! The cases are looked for in `$HERALD_CONFORMANCE`, else beside the repository; without them the
//! test says so. Its readers of whole tables (`routes`, `vrfs`) have no counterpart here.
#![expect(clippy::disallowed_methods, reason = "a test reads its cases from files")]

use herald_frr::show::{BfdState, Neighbor, SessionState, bfd, bfd_counters, neighbors_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;
type Samples = BTreeMap<String, u64>;

fn cases(folder: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let root = std::env::var_os("HERALD_CONFORMANCE").map_or(root, PathBuf::from);
    let folder = root.join("frr-k8s").join(folder);
    if !folder.is_dir() {
        eprintln!("no conformance cases at {}: set HERALD_CONFORMANCE", folder.display());
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}

fn json(path: &Path) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

#[test]
fn sessions_are_read_as_frr_k8s_reads_them() -> Outcome {
    for path in cases("vtysh-parse")? {
        let case = json(&path)?;
        let answer = case["vtyshText"].as_str().map_or(case["vtyshOutput"].to_string(), str::to_owned);
        match case["parser"].as_str() {
            Some("neighbor" | "neighbors") => {
                let mut wanted = match &case["parsed"] {
                    Value::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                wanted.sort_by_key(|one| one["id"].to_string());
                let mut found: Vec<Value> = neighbors_of("default", &answer)?
                    .iter()
                    .map(|(session, neighbor)| upstreams(&session.neighbor.to_string(), neighbor))
                    .collect();
                found.sort_by_key(|one| one["id"].to_string());
                assert_eq!(found, wanted, "{}", path.display());
            }
            Some("bfd-peers") => {
                let up = |one: &Value| (one["peer"].clone(), one["status"] == "up", one["uptime"].clone());
                let wanted: Vec<_> = case["parsed"].as_array().into_iter().flatten().map(up).collect();
                let found = bfd(&answer)?;
                let found: Vec<_> = found
                    .iter()
                    .map(|one| {
                        let since = json!(one.since.map(|since| since.as_secs()));
                        (json!(one.key.peer.to_string()), one.state == BfdState::Up, since)
                    })
                    .collect();
                assert_eq!(found, wanted, "{}", path.display());
            }
            _ => {}
        }
    }
    Ok(())
}

/// A session in the words of frr-k8s.
fn upstreams(id: &str, neighbor: &Neighbor) -> Value {
    let messages = &neighbor.messages;
    json!({
        "id": id,
        "bgpState": neighbor.state.name(),
        "connected": neighbor.state == SessionState::Established,
        "bfdStatus": neighbor.bfd.clone().unwrap_or_default(),
        "localAS": neighbor.local_as.to_string(),
        "remoteAS": neighbor.remote_as.to_string(),
        "port": neighbor.remote_port,
        "remoteRouterID":
            neighbor.remote_router_id.map_or_else(|| "0.0.0.0".to_owned(), |id| id.to_string()),
        "prefixesReceived": neighbor.prefixes.values().map(|family| family.accepted).sum::<u64>(),
        "prefixesSent": neighbor.prefixes.values().map(|family| family.sent).sum::<u64>(),
        "messageStats": {
            "opensSent": messages.opens_sent, "opensRecv": messages.opens_recv,
            "notificationsSent": messages.notifications_sent,
            "updatesSent": messages.updates_sent, "updatesRecv": messages.updates_recv,
            "keepalivesSent": messages.keepalives_sent, "keepalivesRecv": messages.keepalives_recv,
            "routeRefreshSent": messages.route_refresh_sent,
            "totalSent": messages.total_sent, "totalRecv": messages.total_recv,
        },
    })
}

#[test]
fn the_samples_of_frr_k8s_can_be_made_of_what_is_read() -> Outcome {
    for folder in cases("metrics")? {
        let case = json(&folder.join("case.json"))?;
        let text = std::fs::read_to_string(folder.join("expected.prom"))?;
        let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let wanted: Samples = samples
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, value)| Ok((name.to_owned(), value.parse()?)))
            .collect::<Result<_, Box<dyn Error>>>()?;
        let mut found = Samples::new();
        for (command, answer) in case["vtyshCommands"].as_object().into_iter().flatten() {
            let words: Vec<&str> = command.split(' ').collect();
            let answer = answer.as_str().unwrap_or_default();
            match words[..] {
                ["show", "bgp", "vrf", vrf, "neighbors", "json"] => bgp_samples(vrf, answer, &mut found)?,
                ["show", "bfd", "vrf", vrf, "peers", "json"] => {
                    for one in bfd(answer)? {
                        let up = u64::from(one.state == BfdState::Up);
                        found.insert(sample("bfd_session_up", &one.key.peer.to_string(), vrf), up);
                    }
                }
                ["show", "bfd", "vrf", vrf, "peers", "counters", "json"] => {
                    bfd_samples(vrf, answer, &mut found)?;
                }
                _ => {}
            }
        }
        assert_eq!(found, wanted, "{}", folder.display());
    }
    Ok(())
}

fn sample(name: &str, peer: &str, vrf: &str) -> String {
    format!("frrk8s_{name}{{peer=\"{peer}\", vrf=\"{vrf}\"}}")
}

fn bgp_samples(vrf: &str, answer: &str, found: &mut Samples) -> Outcome {
    for (session, neighbor) in neighbors_of(vrf, answer)? {
        let (messages, prefixes) = (neighbor.messages, neighbor.prefixes.values());
        let values = [
            ("bgp_session_up", u64::from(neighbor.state == SessionState::Established)),
            ("bgp_announced_prefixes_total", prefixes.clone().map(|family| family.sent).sum()),
            ("bgp_received_prefixes_total", prefixes.map(|family| family.accepted).sum()),
            ("bgp_opens_sent", messages.opens_sent),
            ("bgp_opens_received", messages.opens_recv),
            ("bgp_notifications_sent", messages.notifications_sent),
            ("bgp_updates_total", messages.updates_sent),
            ("bgp_updates_total_received", messages.updates_recv),
            ("bgp_keepalives_sent", messages.keepalives_sent),
            ("bgp_keepalives_received", messages.keepalives_recv),
            ("bgp_route_refresh_sent", messages.route_refresh_sent),
            ("bgp_total_sent", messages.total_sent),
            ("bgp_total_received", messages.total_recv),
        ];
        let peer = session.neighbor.to_string();
        found.extend(values.map(|(name, value)| (sample(name, &peer, vrf), value)));
    }
    Ok(())
}

fn bfd_samples(vrf: &str, answer: &str, found: &mut Samples) -> Outcome {
    for one in bfd_counters(answer)? {
        let values = [
            ("bfd_control_packet_input", one.control_in),
            ("bfd_control_packet_output", one.control_out),
            ("bfd_echo_packet_input", one.echo_in),
            ("bfd_echo_packet_output", one.echo_out),
            ("bfd_session_up_events", one.ups),
            ("bfd_session_down_events", one.downs),
            ("bfd_zebra_notifications", one.notifications),
        ];
        let peer = one.key.peer.to_string();
        found.extend(values.map(|(name, value)| (sample(name, &peer, vrf), value)));
    }
    Ok(())
}
