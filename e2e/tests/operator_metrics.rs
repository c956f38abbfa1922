//! `/metrics` of the operator on a real API server: who may read it, what stands there, how it speaks TLS, and that no secret
//! is in anything that it tells.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Operator, output, wait_for};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);

/// Everything that must stay where it was put.
const PLANTED: [&str; 3] = ["planted-in-a-peer", "planted-in-a-secret", "planted-in-a-frrconfiguration"];

const SECRETS: &str = "
apiVersion: v1
kind: Secret
metadata: {name: peer, namespace: metallb-system}
type: kubernetes.io/basic-auth
stringData: {password: planted-in-a-secret}
---
apiVersion: v1
kind: Secret
metadata: {name: wrong-type, namespace: metallb-system}
type: Opaque
stringData: {password: planted-in-a-secret}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: in-the-open, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.1, password: planted-in-a-peer}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: by-secret, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, passwordSecret: {name: peer}}
---
apiVersion: metallb.io/v1beta1
kind: Community
metadata: {name: colours, namespace: metallb-system}
spec: {communities: [{name: blue, value: '64500:100'}]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: coloured, namespace: metallb-system}
spec: {communities: [blue]}
---
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: raw, namespace: metallb-system}
spec: {bgp: {routers: [{asn: 64500, neighbors: [{asn: 64502, address: 172.30.0.4, password: planted-in-a-frrconfiguration}]}]}}
";

const CONFIGURATION: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: public, namespace: metallb-system}
spec: {addresses: [198.51.100.0/28, 2001:db8::/124]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: nowhere, namespace: default, annotations: {metallb.io/address-pool: none-such}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
";

/// Names and types of MetalLB's controller (metallb `internal/allocator/stats.go`, `internal/k8s/stats.go`).
const UPSTREAM: [(&str, &str); 11] = [
    ("metallb_allocator_addresses_in_use_total", "gauge"),
    ("metallb_allocator_addresses_total", "gauge"),
    ("metallb_allocator_ipv4_addresses_in_use_total", "gauge"),
    ("metallb_allocator_ipv4_addresses_total", "gauge"),
    ("metallb_allocator_ipv6_addresses_in_use_total", "gauge"),
    ("metallb_allocator_ipv6_addresses_total", "gauge"),
    ("metallb_allocator_services_allocated_total", "gauge"),
    ("metallb_k8s_client_config_loaded_bool", "gauge"),
    ("metallb_k8s_client_config_stale_bool", "gauge"),
    ("metallb_k8s_client_update_errors_total", "counter"),
    ("metallb_k8s_client_updates_total", "counter"),
];

struct Cluster {
    kube: Kube,
    lab: Lab,
}

// One test, so that one server serves all of it.
#[test]
fn metrics_are_upstreams_and_for_those_who_may() -> Result<()> {
    let lab = Lab::new()?;
    let cluster = Cluster { kube: Kube::installed(&lab)?, lab };
    let mut leader = cluster.operator("operator1", &[])?;
    wait_for("the configuration is admitted", LIMIT, || cluster.kube.apply(SECRETS))?;
    cluster.kube.apply(CONFIGURATION)?;
    only_who_may_reads(&cluster, &leader)
        .and_then(|token| {
            values_are_right(&cluster, &leader, &token)?;
            a_follower_shows_no_pool(&cluster, &token)?;
            tls_is_by_flag(&cluster, &leader, &token)?;
            certificates_may_come_from_outside(&cluster)?;
            let page = cluster.page(&leader, &token)?;
            no_secret_is_told(&cluster, &mut leader, &page, &token)
        })
        .with_context(|| leader.log())
}

impl Cluster {
    fn operator(&self, name: &str, arguments: &[&str]) -> Result<Operator> {
        let mut operator = Operator::start(&self.lab, &self.kube, name, arguments)?;
        operator.wait_ready()?;
        Ok(operator)
    }

    /// `curl` from where the API server is; the header's file holds the token, which then stands in no list of processes.
    fn curl(&self, operator: &Operator, token: Option<&str>, more: &[&str]) -> Result<Command> {
        let mut command = self.kube.namespace().command("curl");
        command.args(["-sSk", "--max-time", "10"]).args(more);
        if let Some(token) = token {
            let file = self.lab.folder("curl")?.join("header");
            fs::write(&file, format!("Authorization: Bearer {token}\n"))?;
            command.arg("--header").arg(format!("@{}", file.display()));
        }
        command.arg(format!("https://{}:9120/metrics", operator.address()));
        Ok(command)
    }

    fn status(&self, operator: &Operator, token: Option<&str>) -> Result<String> {
        output(&mut self.curl(operator, token, &["--output", "/dev/null", "--write-out", "%{http_code}"])?)
    }

    fn page(&self, operator: &Operator, token: &str) -> Result<String> {
        output(&mut self.curl(operator, Some(token), &["--fail"])?)
    }
}

/// Returns the token of who may.
fn only_who_may_reads(cluster: &Cluster, operator: &Operator) -> Result<String> {
    let kube = &cluster.kube;
    kube.run(&["create", "serviceaccount", "prometheus"])?;
    kube.run(&["create", "serviceaccount", "stranger"])?;
    kube.run(&[
        "create",
        "clusterrolebinding",
        "prometheus",
        "--clusterrole=metallb-system:metrics-reader",
        "--serviceaccount=default:prometheus",
    ])?;
    let (reader, stranger) = (kube.token("default", "prometheus")?, kube.token("default", "stranger")?);
    ensure!(cluster.status(operator, None)? == "401");
    ensure!(cluster.status(operator, Some("no.such.token"))? == "401");
    ensure!(cluster.status(operator, Some(&stranger))? == "403");
    ensure!(cluster.status(operator, Some(&reader))? == "200");
    let refused = output(&mut cluster.curl(operator, Some(&stranger), &[])?)?;
    ensure!(refused.contains("system:serviceaccount:default:stranger may not get /metrics"), "{refused}");
    let health = operator.namespace().run("curl", &["-fsS", "http://127.0.0.1:17472/healthz"])?;
    ensure!(health == "ok", "{health}");
    // Without TLS nothing is said.
    let plain = ["-sS", "--max-time", "5", "http://127.0.0.1:9120/metrics"];
    ensure!(operator.namespace().run("curl", &plain).is_err(), "it answers without TLS");
    Ok(reader)
}

fn values_are_right(cluster: &Cluster, operator: &Operator, token: &str) -> Result<()> {
    let page = wait_for("the Services are decided upon", LIMIT, || {
        let page = cluster.page(operator, token)?;
        for line in [
            "metallb_allocator_addresses_in_use_total{pool=\"public\"} 1",
            "metallb_allocator_addresses_total{pool=\"public\"} 32",
            "metallb_allocator_ipv4_addresses_in_use_total{pool=\"public\"} 1",
            "metallb_allocator_ipv4_addresses_total{pool=\"public\"} 16",
            "metallb_allocator_ipv6_addresses_in_use_total{pool=\"public\"} 0",
            "metallb_allocator_ipv6_addresses_total{pool=\"public\"} 16",
            "metallb_allocator_services_allocated_total{pool=\"public\"} 1",
            "metallb_k8s_client_config_loaded_bool 1",
            "herald_controller_leader 1",
            "herald_services 2",
            "herald_services_allocated 1",
        ] {
            ensure!(page.lines().any(|found| found == line), "{line}: {page}");
        }
        Ok(page)
    })?;
    for (name, kind) in UPSTREAM {
        ensure!(page.contains(&format!("# TYPE {name} {kind}\n")), "{name} is no {kind}: {page}");
    }
    let ours: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE metallb_")).collect();
    ensure!(ours.len() == UPSTREAM.len(), "families that MetalLB has not: {ours:?}");
    let pending = page.lines().filter(|line| line.starts_with("herald_services_pending{reason=\"")).count();
    ensure!(pending == 1, "one Service waits: {page}");
    Ok(())
}

fn a_follower_shows_no_pool(cluster: &Cluster, token: &str) -> Result<()> {
    let mut follower = cluster.operator("operator2", &[])?;
    let page = wait_for("it has the configuration", LIMIT, || {
        let page = cluster.page(&follower, token)?;
        ensure!(page.contains("metallb_k8s_client_config_loaded_bool 1\n"), "{page}");
        Ok(page)
    })?;
    ensure!(page.contains("herald_controller_leader 0\n"), "{page}");
    ensure!(!page.contains("{pool="), "two replicas show the same pool: {page}");
    follower.stop()
}

fn tls_is_by_flag(cluster: &Cluster, by_default: &Operator, token: &str) -> Result<()> {
    let old = |operator: &Operator| -> Result<bool> {
        let words = ["--tls-max", "1.2", "--output", "/dev/null", "--fail"];
        Ok(cluster.curl(operator, Some(token), &words)?.output()?.status.success())
    };
    ensure!(!old(by_default)?, "TLS 1.2 is taken by default");
    let mut with = cluster.operator(
        "operator3",
        &[
            "--tls-min-version=VersionTLS12",
            "--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "--tls-curve-preferences=4588,23",
        ],
    )?;
    ensure!(old(&with)?, "TLS 1.2 is not taken");
    let spoken = cluster.kube.namespace().run(
        "sh",
        &[
            "-c",
            &format!("openssl s_client -tls1_2 -connect {}:9120 </dev/null 2>&1 || true", with.address()),
        ],
    )?;
    ensure!(spoken.contains("ECDHE-ECDSA-AES128-GCM-SHA256"), "{spoken}");
    ensure!(spoken.contains("prime256v1") || spoken.contains("P-256"), "{spoken}");
    with.stop()?;
    for (number, (flag, words)) in [
        ("--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "cannot be configured with TLS 1.3"),
        ("--tls-min-version=VersionTLS99", "unknown tls version"),
        ("--tls-curve-preferences=29,29", "duplicate curve preference 29"),
        ("--tls-curve-preferences=P256", "must be a numeric CurveID"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut wrong = Operator::start(&cluster.lab, &cluster.kube, &format!("wrong{number}"), &[flag])?;
        wait_for("it ends", LIMIT, || {
            ensure!(wrong.process().check_running().is_err(), "it runs with {flag}");
            Ok(())
        })?;
        ensure!(wrong.log().contains(words), "{flag}: {}", wrong.log());
    }
    Ok(())
}

/// `--metrics-cert-dir`, and the certificate of the next handshake after a change of its files.
fn certificates_may_come_from_outside(cluster: &Cluster) -> Result<()> {
    let folder = cluster.lab.folder("metrics-certificate")?;
    make_certificate(&folder, "first.example")?;
    let flag = format!("--metrics-cert-dir={}", folder.display());
    let mut operator = cluster.operator("operator4", &[&flag])?;
    let shown = || {
        let show =
            "openssl s_client -connect ADDRESS:9120 </dev/null 2>/dev/null | openssl x509 -noout -subject";
        let show = show.replace("ADDRESS", operator.address());
        cluster.kube.namespace().run("sh", &["-c", &show])
    };
    ensure!(shown()?.contains("first.example"), "{}", shown()?);
    make_certificate(&folder, "second.example")?;
    wait_for("the new certificate is shown", LIMIT, || {
        let shown = shown()?;
        ensure!(shown.contains("second.example"), "{shown}");
        Ok(())
    })?;
    operator.stop()
}

fn make_certificate(folder: &Path, name: &str) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    command.args(["-subj", &format!("/CN={name}")]);
    command.arg("-keyout").arg(folder.join("tls.key")).arg("-out").arg(folder.join("tls.crt"));
    output(&mut command).map(drop)
}

/// Logs, events, statuses and metrics, after the problems of all those objects have been told.
fn no_secret_is_told(cluster: &Cluster, leader: &mut Operator, page: &str, token: &str) -> Result<()> {
    let kube = &cluster.kube;
    leader.stop()?;
    // Everything that there is to say, at the level that says most.
    let mut talkative = cluster.operator("operator5", &["--log-level=all"])?;
    // An edit that is refused, with a password in it.
    let peer = "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: refused, namespace: metallb-system}\n\
                spec: {myASN: 64500, peerASN: 64501, peerAddress: nonsense, password: planted-in-a-peer}\n";
    let refused = kube.apply(peer).err().map(|why| format!("{why:#}"));
    let secrets = kube.get(&["secrets", "--namespace=metallb-system"])?;
    let mut hidden: Vec<String> = PLANTED.iter().map(|secret| (*secret).to_owned()).collect();
    hidden.extend([token.to_owned(), encoded("planted-in-a-secret")]);
    for secret in secrets["items"].as_array().into_iter().flatten() {
        for (key, value) in secret["data"].as_object().into_iter().flatten() {
            if matches!(key.as_str(), "secretkey" | "tls.key" | "ca.key") {
                hidden.push(value.as_str().context("a Secret's value")?.to_owned());
            }
        }
    }
    let mut told = vec![
        ("the log", leader.log()),
        ("the talkative log", talkative.log()),
        ("the metrics", page.to_owned()),
        ("the later metrics", cluster.page(&talkative, token)?),
        ("events", kube.run(&["get", "events", "--all-namespaces", "--output=yaml"])?),
        ("a refusal", refused.context("a peer without address is stored")?),
    ];
    let kinds = "services,ipaddresspools,bgppeers,configurationstates,leases,frrconfigurations";
    let objects = kube.get(&[kinds, "--all-namespaces"])?;
    for object in objects["items"].as_array().context("a list")? {
        told.push(("a status", object["status"].to_string()));
    }
    for (place, text) in told {
        for secret in &hidden {
            ensure!(!text.contains(secret.as_str()), "{secret} stands in {place}: {text}");
        }
        ensure!(!text.contains("PRIVATE KEY"), "{place}: {text}");
    }
    talkative.stop()
}

/// As the API server stores it.
fn encoded(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            encoded.push(char::from(LETTERS[bits >> (18 - 6 * place) & 63]));
        }
    }
    encoded
}
