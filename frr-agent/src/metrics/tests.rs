//! A page of each port against its golden file: names, types, help texts and labels are an interface.
//!
//! `UPDATE=1 cargo test -p herald-agent` writes the files anew; the difference is then for review.

use super::frr::{Answers, Naming, page};
use super::{Metrics, announced};
use crate::here::Counts;
use herald_core::problem::{FieldPath, ObjectRef, Problem, Severity};
use herald_core::snapshot::ServiceKey;
use herald_frr::config::FrrConfig;
use herald_frr::{running, show};
use herald_serving::metrics::text;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn holds(name: &str, page: &str) {
    let file = folder().join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, page).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(page, golden, "{} differs; UPDATE=1 rewrites it", file.display());
}

fn configured(text: &str) -> FrrConfig {
    running::parse(text).config
}

fn fixture(release: &str, name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("frr/tests/fixtures").join(release).join(name);
    fs::read_to_string(&file).unwrap()
}

fn answers(release: &str) -> Answers {
    Answers {
        sessions: Some(show::neighbors(&fixture(release, "neighbors-all.json")).unwrap()),
        bfd: Some(show::bfd(&fixture(release, "bfd.json")).unwrap()),
        bfd_counters: Some(show::bfd_counters(&fixture(release, "bfd-counters.json")).unwrap()),
    }
}

/// Everything but what differs from run to run.
fn without_process(page: &str) -> String {
    page.split_inclusive('\n').filter(|line| !line.contains("process_")).collect()
}

/// What a page is but for its values.
fn shape(page: &str) -> BTreeSet<&str> {
    page.lines()
        .map(|line| if line.starts_with('#') { line } else { line.rsplit_once(' ').unwrap().0 })
        .collect()
}

#[test]
fn frrs_counters_have_upstreams_names_in_both_families() {
    let config = FrrConfig::default();
    for release in ["10.3", "8.4"] {
        let (metallb, frrk8s) = (
            page(&answers(release), &config, Naming::Metallb),
            page(&answers(release), &config, Naming::Frrk8s),
        );
        if release == "10.3" {
            holds("9121.txt", &metallb);
            holds("9141.txt", &frrk8s);
        }
        let golden = |name| fs::read_to_string(folder().join(name)).unwrap();
        assert_eq!(shape(&metallb), shape(&golden("9121.txt")), "{release}");
        assert_eq!(shape(&frrk8s), shape(&golden("9141.txt")), "{release}");
    }
}

#[test]
fn a_peer_has_the_port_that_it_is_configured_with() {
    let answers = answers("10.3");
    let config = configured(
        "router bgp 65000\n neighbor 172.30.0.2 remote-as 65001\n neighbor 172.30.0.2 port 1790\n",
    );
    let page = page(&answers, &config, Naming::Metallb);
    assert!(page.contains("metallb_bgp_session_up{peer=\"172.30.0.2:1790\",vrf=\"default\"} 1\n"), "{page}");
}

#[test]
fn what_frr_did_not_answer_has_no_samples() {
    let config = FrrConfig::default();
    assert_eq!(page(&Answers::default(), &config, Naming::Metallb), "");
    let without_bfd = Answers { bfd: None, bfd_counters: None, ..answers("10.3") };
    let page = page(&without_bfd, &config, Naming::Frrk8s);
    assert!(!page.contains("_bfd_") && page.contains("frrk8s_bgp_session_up"), "{page}");
}

#[test]
fn bfd_sessions_that_labels_cannot_tell_apart_are_one() {
    let mut answers = answers("10.3");
    let mut twin = answers.bfd_counters.as_ref().unwrap()[0].clone();
    twin.key.multihop = true;
    let alone = page(&answers, &FrrConfig::default(), Naming::Frrk8s);
    answers.bfd_counters.as_mut().unwrap().push(twin);
    let both = page(&answers, &FrrConfig::default(), Naming::Frrk8s);
    assert_eq!(shape(&both), shape(&alone));
    let value = |page: &str| {
        let name = "frrk8s_bfd_control_packet_input{peer=\"172.30.0.2\",vrf=\"default\"} ";
        page.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(value(&both), 2 * value(&alone));
}

#[test]
fn the_loop_is_told_of_in_both_families() {
    let mut metrics = Metrics::new().unwrap();
    let (start, ms) = (Instant::now(), Duration::from_millis);
    let empty = Arc::new(FrrConfig::default());
    metrics.decided("node1", &empty, &[], start);
    metrics.taken(&empty, false, start);
    assert!(text(&metrics.daemon()).unwrap().contains("frrk8s_k8s_client_config_loaded_bool 0\n"), "empty");
    let config = Arc::new(configured("router bgp 65000\n"));
    metrics.decided("node1", &config, &[], start);
    metrics.taken(&config, false, start + ms(30));
    metrics.seen(&config, start + ms(150));
    let services =
        [("default", "web", "192.0.2.1"), ("default", "web", "2001:db8::1"), ("shop", "api", "192.0.2.2")];
    let services: Vec<_> = services
        .iter()
        .map(|(namespace, name, ip)| {
            (ServiceKey { namespace: (*namespace).into(), name: (*name).into() }, ip.parse().unwrap())
        })
        .collect();
    let counts = Counts { served: 3, ..Counts::default() };
    let announced = announced("node1", services.iter().map(|(key, ip)| (key, *ip)), counts);
    holds("9120.txt", &(without_process(&text(&metrics.speaker()).unwrap()) + &announced));
    holds("9140.txt", &without_process(&text(&metrics.daemon()).unwrap()));
}

#[test]
fn a_configuration_that_cannot_be_used_is_stale_until_it_can() {
    let mut metrics = Metrics::new().unwrap();
    let config = Arc::new(FrrConfig::default());
    let problem = |kind: &'static str, nodes: &[&str]| {
        let object = ObjectRef { kind, namespace: "metallb-system".into(), name: "x".into() };
        Problem {
            severity: Severity::Error,
            object: Some(object),
            field: FieldPath::default(),
            reason: "Some",
            message: "some words".to_owned(),
            nodes: nodes.iter().map(|node| (*node).into()).collect(),
            location: None,
        }
    };
    let mut stale = |problems: &[Problem]| {
        metrics.decided("node1", &config, problems, Instant::now());
        let text = text(&metrics.speaker()).unwrap() + &text(&metrics.daemon()).unwrap();
        let stale = text.contains("metallb_k8s_client_config_stale_bool 1\n");
        assert_eq!(stale, text.contains("frrk8s_k8s_client_config_stale_bool 1\n"));
        stale
    };
    assert!(stale(&[problem("BGPPeer", &[])]));
    assert!(!stale(&[problem("Service", &[])]), "a Service is no configuration");
    assert!(!stale(&[problem("BGPPeer", &["node2"])]), "elsewhere");
    assert!(stale(&[problem("BGPPeer", &["node1"])]));
    assert!(!stale(&[]));
    metrics.refused(&config);
    assert!(text(&metrics.speaker()).unwrap().contains("metallb_k8s_client_config_stale_bool 1\n"));
    metrics.taken(&config, true, Instant::now());
    assert!(text(&metrics.speaker()).unwrap().contains("config_stale_bool 1\n"), "an object is held back");
    metrics.taken(&config, false, Instant::now());
    assert!(text(&metrics.speaker()).unwrap().contains("config_stale_bool 0\n"));
}
