use super::*;

fn community(aliases: &Value) -> Value {
    json!({"metadata": {"name": "names", "namespace": NAMESPACE}, "spec": {"communities": aliases}})
}

impl Cluster {
    /// Result and summary of the controller's ConfigurationState.
    fn configuration(&self) -> (String, String) {
        let state = self.api.get(Kind::ConfigurationState, NAMESPACE, "controller").unwrap();
        let text = |key: &str| state["status"][key].as_str().unwrap().to_owned();
        (text("result"), text("errorSummary"))
    }

    fn pool_status(&self, name: &str) -> Value {
        self.api.get(Kind::IpAddressPool, NAMESPACE, name).unwrap()["status"].clone()
    }
}

/// Upstream's words, from `poolsFor` and `communitiesFromCrs` of its configuration package.
#[test]
fn one_problem_is_told_in_the_words_of_metallb() {
    let good = (Kind::IpAddressPool, pool("a", &["10.0.0.0/24"]));
    let cases = [
        (
            (Kind::IpAddressPool, pool("b", &["10.0.0.128/25"])),
            "CIDR \"10.0.0.128/25\" in pool \"b\" overlaps with already defined CIDR \"10.0.0.0/24\"",
        ),
        ((Kind::IpAddressPool, pool("b", &[])), "parsing address pool b: pool has no prefixes defined"),
        (
            (
                Kind::Community,
                community(&json!([{"name": "n", "value": "1:2"}, {"name": "n", "value": "1:3"}])),
            ),
            "duplicate definition of community \"n\"",
        ),
        (
            (Kind::Community, community(&json!([{"name": "n", "value": "1"}]))),
            "parsing community \"n\": invalid community format: 1",
        ),
    ];
    for (bad, wanted) in cases {
        let mut cluster = Cluster::new([good.clone()]);
        assert_eq!(cluster.configuration(), ("Valid".into(), String::new()));
        cluster.put(bad.0, bad.1);
        assert_eq!(cluster.configuration(), ("Invalid".into(), format!("configuration error: {wanted}")));
        assert!(cluster.controller.facts().configuration_stale);
    }
}

#[test]
fn several_problems_are_all_told_and_other_kinds_are_the_nodes_business() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("a", &["10.0.0.0/24"]))]);
    let peer = json!({"metadata": {"name": "p", "namespace": NAMESPACE},
        "spec": {"myASN": 1, "peerASN": 2, "peerAddress": "192.0.2.1", "bfdProfile": "missing"}});
    cluster.put(Kind::BgpPeer, peer);
    assert_eq!(cluster.configuration().0, "Valid");
    cluster.put(Kind::IpAddressPool, pool("b", &["10.0.0.0/24", "what"]));
    cluster.put(Kind::Community, community(&json!([{"name": "n", "value": "1"}])));
    let (result, summary) = cluster.configuration();
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!((&*result, lines.len()), ("Invalid", 2), "{summary}");
    assert!(lines.iter().all(|line| line.starts_with("configuration error: ")), "{summary}");
    let all = [
        "IPAddressPool metallb-system/b: spec.addresses[1]",
        "Community metallb-system/names: spec.communities[0]",
    ];
    assert!(all.iter().all(|object| summary.contains(object)), "{summary}");
}

#[test]
fn a_configuration_state_that_is_deleted_comes_back_and_its_time_moves_with_its_status_only() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("a", &["10.0.0.0/24"]))]);
    let since = |cluster: &Cluster| {
        let state = cluster.api.get(Kind::ConfigurationState, NAMESPACE, "controller").unwrap();
        state["status"]["conditions"][0]["lastTransitionTime"].clone()
    };
    let first = since(&cluster);
    cluster.at += 60_000;
    cluster.put(Kind::IpAddressPool, pool("a", &["10.0.0.0/23"]));
    assert_eq!(since(&cluster), first);
    cluster.delete(Kind::ConfigurationState, NAMESPACE, "controller");
    assert_eq!(cluster.configuration().0, "Valid");
}

#[test]
fn a_pool_is_counted_at_most_once_a_second_and_by_nobody_else() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("a", &["10.0.0.0/30", "fc00::/64"]))]);
    assert_eq!(cluster.pool_writes, 1);
    for name in ["a", "b", "c"] {
        cluster.put(Kind::Service, service(name));
    }
    assert_eq!((cluster.pool_writes, &cluster.pool_status("a")["assignedIPv4"]), (1, &json!(0)));
    cluster.wait(1_000);
    let status = cluster.pool_status("a");
    assert_eq!(
        (cluster.pool_writes, &status["assignedIPv4"], &status["availableIPv4"]),
        (2, &json!(3), &json!(1))
    );
    assert_eq!(status["availableIPv6"], json!(i64::MAX));
    assert_eq!(cluster.controller.facts().pools["a"].services, 3);
    cluster.wait(10_000);
    let mut forged = status.clone();
    forged["assignedIPv4"] = json!(4);
    cluster.api.edit_status(Kind::IpAddressPool, NAMESPACE, "a", forged);
    cluster.settle();
    assert_eq!(cluster.pool_status("a"), status);
    cluster.wait(10_000);
    assert_eq!(cluster.pool_writes, 3);
}

/// The levels that are told while a pool of 20 addresses fills, and after how many Services.
fn told_while_it_fills(cluster: &mut Cluster) -> Vec<(i32, &'static str)> {
    let mut told = Vec::new();
    for number in 1..=21 {
        cluster.put(Kind::Service, service(&format!("s{number}")));
        cluster.wait(1_000);
        let of_pools = cluster.reasons().into_iter().filter(|reason| reason.starts_with("Pool"));
        told.extend(of_pools.map(|reason| (number, reason)));
    }
    told
}

const LEVELS: [(i32, &str); 3] = [(16, "PoolUse80Percent"), (19, "PoolUse95Percent"), (20, "PoolExhausted")];

#[test]
fn a_pool_tells_before_it_is_exhausted_once_per_level() {
    let mut cluster = Cluster::new([(Kind::IpAddressPool, pool("a", &["10.0.0.1-10.0.0.20"]))]);
    assert_eq!(told_while_it_fills(&mut cluster), LEVELS);
    assert_eq!(cluster.pool_status("a")["conditions"][0]["reason"], "Exhausted");
}

#[test]
fn a_pool_without_conditions_tells_each_level_once_too_also_to_the_next_leader() {
    let mut cluster = Cluster::new([]);
    cluster.api.of_metallb = true;
    cluster.put(Kind::IpAddressPool, pool("a", &["10.0.0.1-10.0.0.20"]));
    assert_eq!(told_while_it_fills(&mut cluster), LEVELS);
    let writes = cluster.pool_writes;
    cluster.controller = Controller::new(options());
    cluster.lead(LateWrites::Impossible);
    cluster.wait(60_000);
    assert_eq!(cluster.pool_status("a").get("conditions"), None);
    let repeated: Vec<_> = cluster.reasons().into_iter().filter(|it| it.starts_with("Pool")).collect();
    assert_eq!((repeated, cluster.pool_writes - writes), (vec![], 1));
}
