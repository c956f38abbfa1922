//! FRR keeps a route's tag through `import vrf` and `redistribute`; no route may leave by a tag that came that way.

use anyhow::{Context, Result, ensure};
use herald_e2e::site::{NODE, Site};
use herald_e2e::{Logged, Release, wait_for};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// The default router imports what red announces, and may pass on one prefix of it.
const IMPORT: &str = "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: import, namespace: frr-k8s-system}
spec:
  bgp:
    routers:
      - asn: 64500
        prefixes: [192.0.2.1/32]
        imports: [{vrf: red}]
        neighbors:
          - address: 172.30.0.2
            asn: 64501
            connectTime: 1s
            toAdvertise:
              allowed: {prefixes: [192.0.2.1/32, 192.0.2.50/32]}
      - asn: 64500
        vrf: red
        prefixes: [192.0.2.50/32, 192.0.2.51/32]
        neighbors:
          - address: 172.31.0.9
            asn: 64999
            toAdvertise:
              allowed: {mode: all}
              withCommunity:
                - {community: '64500:666', prefixes: [192.0.2.50/32, 192.0.2.51/32]}
";

const BIRD: &str = "protocol bgp node { local 172.30.0.2 as 64501; neighbor 172.30.0.1 as 64500; connect delay time 1; \
    ipv4 { import all; export none; }; }\n";

#[test]
fn imported_prefixes_leave_only_where_they_are_allowed() -> Result<()> {
    let site = Site::new(Release::V10, "")?;
    site.write("import.yaml", IMPORT)?;
    let folder = site.manifests.display().to_string();
    let text = site.herald.run(&["render", "-f", &folder, "--node", NODE])?;
    let loaded = site.frr.load(&text)?;
    ensure!(loaded.accepted, "{}\n{text}", loaded.output);
    let bird = site.bird(BIRD)?;
    wait_for("BIRD has the router's own prefix", LIMIT, || bird.routes_to("192.0.2.1/32"))
        .logged(|| site.logs())?;
    let route = wait_for("BIRD has the imported prefix", LIMIT, || bird.routes_to("192.0.2.50/32"))
        .logged(|| site.logs())?;
    ensure!(route[0].attribute("BGP.community").is_none(), "red's community came along: {route:?}\n{text}");
    // FRR judges all routes again when a changed route-map's delay of five seconds ends: nothing may leave then either.
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(6) {
        let mut sent: Vec<String> = bird.routes()?.into_iter().map(|route| route.prefix).collect();
        sent.sort();
        ensure!(sent == ["192.0.2.1/32", "192.0.2.50/32"], "{sent:?}\n{text}");
    }
    Ok(())
}

#[test]
fn a_tagged_static_route_cannot_pass_for_one_of_ours() -> Result<()> {
    let site = Site::new(Release::V10, "")?;
    // The tag of a class of ours, as the rendered text tells it.
    site.write("import.yaml", IMPORT)?;
    let folder = site.manifests.display().to_string();
    let text = site.herald.run(&["render", "-f", &folder, "--node", NODE])?;
    let tag =
        text.lines().find_map(|line| line.trim().strip_prefix("match tag ")).with_context(|| text.clone())?;
    let raw = format!(
        "
apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {{name: raw, namespace: frr-k8s-system}}
spec:
  raw:
    rawConfig: |
      ip route 203.0.113.0/24 Null0 tag {tag}
      router bgp 64500
       address-family ipv4 unicast
        redistribute static
       exit-address-family
      exit
"
    );
    site.write("raw.yaml", &raw)?;
    let judged = site.herald.try_run(&["validate", "-f", &folder])?;
    let said = String::from_utf8_lossy(&judged.stdout) + String::from_utf8_lossy(&judged.stderr);
    ensure!(
        judged.status.code() == Some(1) && said.contains("FRRConfiguration frr-k8s-system/raw"),
        "{said}"
    );
    Ok(())
}
