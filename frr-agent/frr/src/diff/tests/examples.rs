//! Plans line by line, where the order, the effect or the owner matters.

use super::*;
use crate::config::{Origin, RawSnippet, Timers};
use crate::value::RawConfig;

/// One eBGP session with one class and two prefixes, as `show running-config` prints it.
const BASE: &str = "\
frr version 10.3
frr defaults traditional
hostname node1
log syslog informational
!
ip prefix-list 192.0.2.1-in seq 1 permit any
!
route-map 192.0.2.1-in permit 1
 match ip address prefix-list 192.0.2.1-in
exit
!
route-map 192.0.2.1-out permit 1
 match tag 2147483655
 set local-preference 100
exit
!
route-map adv-gold permit 1
 set tag 2147483655
exit
!
router bgp 65000
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp graceful-restart preserve-fw-state
 coalesce-time 200
 no bgp network import-check
 neighbor 192.0.2.1 remote-as 64512
 neighbor 192.0.2.1 password hush
 neighbor 192.0.2.1 timers 10 30
 !
 address-family ipv4 unicast
  network 10.0.0.1/32 route-map adv-gold
  network 10.0.0.2/32 route-map adv-gold
  neighbor 192.0.2.1 activate
  neighbor 192.0.2.1 route-map 192.0.2.1-in in
  neighbor 192.0.2.1 route-map 192.0.2.1-out out
 exit-address-family
exit
!
end
";

/// The plan from one text to the model of another.
fn between(from: &str, to: &str) -> ChangePlan {
    plan(&parse(from), &parse(to).config, &shipped())
}

fn lines(plan: &ChangePlan) -> Vec<&str> {
    plan.lines.iter().filter(|line| !line.frame).map(|line| line.text.trim()).collect()
}

fn resets(plan: &ChangePlan) -> Vec<String> {
    plan.resets.iter().map(|session| session.neighbor.to_string()).collect()
}

#[test]
fn frr_that_runs_what_is_wanted_is_left_alone() {
    assert!(between(BASE, BASE).is_empty());
}

#[test]
fn a_keepalive_that_frr_lowers_is_no_difference() {
    let mut wanted = parse(BASE).config;
    let router = wanted.routers.get_mut(&None).unwrap();
    router.neighbors.values_mut().next().unwrap().timers = Some(Timers { keepalive: 20, hold: 30 });
    assert!(plan(&parse(BASE), &wanted, &shipped()).is_empty());
}

#[test]
fn a_prefix_changes_its_class_in_one_line() {
    let silver = "route-map adv-silver permit 1\n set tag 2147483660\nexit\n";
    let out = "route-map 192.0.2.1-out permit 2\n match tag 2147483660\nexit\n";
    let to =
        BASE.replace("10.0.0.2/32 route-map adv-gold", "10.0.0.2/32 route-map adv-silver") + silver + out;
    let plan = between(BASE, &to);
    assert_eq!(
        plan.script(),
        "\
route-map adv-silver permit 1
 set tag 2147483660
exit
route-map 192.0.2.1-out deny 2
 match tag 2147483660
exit
route-map 192.0.2.1-out permit 2
exit
router bgp 65000
 address-family ipv4 unicast
  network 10.0.0.2/32 route-map adv-silver
 exit-address-family
exit
"
    );
    // The prefix itself is evaluated by its line, and no other prefix is concerned.
    assert!(plan.soft_clears.is_empty() && plan.resets.is_empty());
}

#[test]
fn a_changed_attribute_is_a_soft_clear_of_that_session_and_family() {
    let plan = between(BASE, &BASE.replace("local-preference 100", "local-preference 200"));
    assert_eq!(lines(&plan), ["set local-preference 200"]);
    let commands: Vec<String> = plan.soft_clears.iter().map(SoftClear::command).collect();
    assert_eq!(commands, ["clear bgp ipv4 unicast 192.0.2.1 soft out"]);
    let received = between(BASE, &BASE.replace("seq 1 permit any", "seq 1 permit 10.0.0.0/8 le 32"));
    let commands: Vec<String> = received.soft_clears.iter().map(SoftClear::command).collect();
    assert_eq!(commands, ["clear bgp ipv4 unicast 192.0.2.1 soft in"]);
}

#[test]
fn each_field_says_what_it_does_to_the_session() {
    for (from, to, effect) in [
        ("password hush", "password louder", Effect::Reset),
        (" neighbor 192.0.2.1 password hush\n", "", Effect::Reset),
        ("remote-as 64512", "remote-as 64513", Effect::Reset),
        ("timers 10 30", "timers 30 90", Effect::None),
        ("timers 10 30", "port 1179", Effect::Reset),
        ("timers 10 30", "timers connect 5", Effect::None),
        ("timers 10 30", "graceful-restart", Effect::Reset),
        ("timers 10 30", "disable-connected-check", Effect::Reset),
        ("timers 10 30", "update-source eth0", Effect::Reset),
        ("timers 10 30", "ebgp-multihop", Effect::Reset),
        ("timers 10 30", "local-as 65010 no-prepend replace-as", Effect::Reset),
        (" no bgp default", " bgp router-id 10.9.9.9\n no bgp default", Effect::Reset),
        ("  network 10.0.0.2/32 route-map adv-gold\n", "", Effect::None),
        ("local-preference 100", "local-preference 101", Effect::Soft),
    ] {
        let plan = between(BASE, &BASE.replace(from, to));
        assert!(!plan.is_empty(), "{from} -> {to}");
        assert_eq!(
            plan.lines.iter().map(|line| line.effect).max(),
            Some(effect),
            "{from} -> {to}: {plan:#?}"
        );
        assert_eq!(resets(&plan), if effect == Effect::Reset { vec!["192.0.2.1"] } else { vec![] }, "{from}");
    }
}

#[test]
fn a_password_is_in_the_script_and_nowhere_else() {
    let plan = between(BASE, &BASE.replace("password hush", "password louder"));
    assert!(plan.script().contains("password louder"));
    assert!(!format!("{plan:?}").contains("louder"));
    assert!(!format!("{:?}", parse(BASE)).contains("hush"));
}

#[test]
fn every_line_of_a_wanted_statement_knows_its_object() {
    let mut wanted = parse(BASE).config;
    let router = wanted.routers.get_mut(&None).unwrap();
    let network = router.networks.values().next().cloned().unwrap();
    let origins: Origins = [Origin("Service default/web".into())].into();
    router.networks.insert(
        "10.0.0.3/32".parse().unwrap(),
        crate::config::Network { origins: origins.clone(), ..network },
    );
    let plan = plan(&parse(BASE), &wanted, &shipped());
    let added = plan.lines.iter().position(|line| line.text.contains("10.0.0.3/32")).unwrap();
    assert_eq!(plan.line(added + 1).unwrap().origins, origins);
}

#[test]
fn what_was_typed_in_by_hand_goes_but_the_base_file_stays() {
    let typed = BASE
        .replace(
            " neighbor 192.0.2.1 password",
            " neighbor 192.0.2.1 description mine\n neighbor 192.0.2.1 password",
        )
        .replace(
            "router bgp 65000\n",
            "ip route 10.9.0.0/16 Null0\nip prefix-list stray seq 5 permit any\nrouter bgp 65000\n",
        );
    let plan = between(&typed, BASE);
    assert_eq!(
        lines(&plan),
        [
            "no neighbor 192.0.2.1 description mine",
            "no ip route 10.9.0.0/16 Null0",
            "no ip prefix-list stray"
        ]
    );
    let base = Ownership::shipped("ip route 10.9.0.0/16 Null0\n");
    let plan = super::super::plan(&parse(&typed), &parse(BASE).config, &base);
    assert_eq!(lines(&plan), ["no neighbor 192.0.2.1 description mine", "no ip prefix-list stray"]);
}

#[test]
fn drift_is_repaired_line_by_line() {
    let drifted = BASE
        .replace("  neighbor 192.0.2.1 route-map 192.0.2.1-out out\n", "")
        .replace("  network 10.0.0.1/32 route-map adv-gold\n", "")
        .replace(" no bgp network import-check\n", "");
    let plan = between(&drifted, BASE);
    assert_eq!(
        lines(&plan),
        [
            "no bgp network import-check",
            "network 10.0.0.1/32 route-map adv-gold",
            "neighbor 192.0.2.1 route-map 192.0.2.1-out out"
        ]
    );
    assert!(plan.resets.is_empty());
}

#[test]
fn on_a_host_only_what_is_ours_is_touched() {
    let others = "\
ip prefix-list theirs seq 5 permit any
route-map theirs permit 10
exit
router bgp 65001 vrf blue
 neighbor 198.51.100.1 remote-as 65002
exit
bfd
 profile theirs
 exit
exit
";
    let wanted = parse(BASE).config;
    let host = Ownership::host(None);
    assert!(plan(&parse(&(BASE.to_owned() + others)), &wanted, &host).is_empty());
    // What is ours goes when it is no longer wanted: the session with its maps, and what they use.
    let mut empty = wanted.clone();
    empty.routers.get_mut(&None).unwrap().neighbors.clear();
    empty.routers.get_mut(&None).unwrap().networks.clear();
    empty.route_maps.clear();
    empty.prefix_lists.clear();
    let gone = plan(&parse(&(BASE.to_owned() + others)), &empty, &host);
    assert_eq!(
        lines(&gone),
        [
            "no neighbor 192.0.2.1",
            "no network 10.0.0.1/32",
            "no network 10.0.0.2/32",
            "no ip prefix-list 192.0.2.1-in",
            "no route-map 192.0.2.1-in",
            "no route-map 192.0.2.1-out",
            "no route-map adv-gold"
        ]
    );
    // Once it is gone from the wanted configuration, the record says that it was ours.
    let record = Ownership::host(Some(&wanted));
    let gone = plan(&parse(&(BASE.to_owned() + others)), &FrrConfig::default(), &record);
    assert!(lines(&gone).contains(&"no router bgp 65000"));
    assert!(!gone.script().contains("theirs") && !gone.script().contains("blue"));
}

fn with_raw(texts: &[&str]) -> FrrConfig {
    let mut config = parse(BASE).config;
    let origin = |text: &str| RawSnippet {
        text: RawConfig::new(text),
        origins: [Origin("FRRConfiguration a/raw".into())].into(),
    };
    config.raw = texts.iter().map(|text| origin(text)).collect();
    config
}

#[test]
fn hand_written_lines_are_given_once_and_taken_back_in_reverse() {
    let raw = "router bgp 65000\n bgp log-neighbor-changes\n neighbor 192.0.2.1 description rack 4\nexit";
    let wanted = with_raw(&[raw]);
    let first = plan(&parse(BASE), &wanted, &shipped());
    assert_eq!(first.script(), format!("{raw}\n"));
    assert!(first.lines.iter().all(|line| line.origins.len() == 1));
    // FRR prints them where it likes.
    let runs = BASE.replace(
        " neighbor 192.0.2.1 password",
        " bgp log-neighbor-changes\n neighbor 192.0.2.1 description rack 4\n neighbor 192.0.2.1 password",
    );
    assert!(plan(&parse(&runs), &wanted, &shipped()).is_empty());
    let record = Ownership { applied: Some(&wanted), ..shipped() };
    let gone = plan(&parse(&runs), &with_raw(&[]), &record);
    assert_eq!(lines(&gone), ["no neighbor 192.0.2.1 description rack 4", "no bgp log-neighbor-changes"]);
}

#[test]
fn hand_written_lines_of_a_session_that_is_made_anew_are_given_again() {
    let raw = "router bgp 65000\n neighbor 192.0.2.1 description rack 4\nexit";
    let before = with_raw(&[raw, "ip route 10.9.0.0/16 Null0"]);
    let described = " neighbor 192.0.2.1 description rack 4\n neighbor 192.0.2.1 password";
    let runs = BASE.replace(" neighbor 192.0.2.1 password", described) + "ip route 10.9.0.0/16 Null0\n";
    let mut wanted = before.clone();
    let router = wanted.routers.get_mut(&None).unwrap();
    let mut session = router.neighbors.values().next().cloned().unwrap();
    session.remote_as = crate::config::RemoteAs::External;
    router.neighbors.insert("192.0.2.1".parse().unwrap(), session);
    let record = Ownership { applied: Some(&before), ..shipped() };
    let asked = plan(&parse(&runs), &wanted, &record);
    assert_eq!(lines(&asked)[0], "no neighbor 192.0.2.1");
    assert!(asked.script().contains(&format!("{raw}\n")) && !asked.script().contains("ip route"));
    assert_eq!(edit(&before, &wanted, None).unwrap().script(), asked.script());
}

#[test]
fn hand_written_lines_that_the_model_knows_are_compared_like_any_other() {
    let wanted = with_raw(&[
        "ip prefix-list mine seq 5 permit 10.9.0.0/16\nroute-map 192.0.2.1-out permit 1\n set tag 7\nexit",
    ]);
    let first = plan(&parse(BASE), &wanted, &shipped());
    assert_eq!(lines(&first), ["ip prefix-list mine seq 5 permit 10.9.0.0/16", "set tag 7"]);
    let runs = BASE.replace(" set local-preference 100", " set local-preference 100\n set tag 7")
        + "ip prefix-list mine seq 5 permit 10.9.0.0/16\n";
    assert!(plan(&parse(&runs), &wanted, &shipped()).is_empty());
    assert_eq!(
        lines(&plan(&parse(&runs), &with_raw(&[]), &shipped())),
        ["no ip prefix-list mine", "no set tag 7"]
    );
}

#[test]
fn hand_written_lines_that_frr_rewrites_are_not_given_again_and_again() {
    let wanted = with_raw(&["interface eth0\n ip ospf area 0\nexit"]);
    let runs = BASE.to_owned() + "interface eth0\n ip ospf area 0.0.0.0\nexit\n";
    let record = Ownership { applied: Some(&wanted), ..shipped() };
    assert!(plan(&parse(&runs), &wanted, &record).is_empty());
}

#[test]
fn a_router_that_frr_made_by_itself_for_an_import_stays() {
    let import = BASE.replace("  network 10.0.0.1/32", "  import vrf blue\n  network 10.0.0.1/32").replace(
        " exit-address-family\nexit\n",
        " exit-address-family\n !\n address-family ipv6 unicast\n  import vrf blue\n exit-address-family\nexit\n",
    );
    // FRR 8.4 shows it, 10.3 does not.
    let runs = import.clone() + "router bgp 65000 vrf blue\nexit\n";
    assert!(between(&runs, &import).is_empty());
    let gone = between(&runs, BASE);
    assert_eq!(lines(&gone), ["no import vrf blue", "no import vrf blue"]);
}

#[test]
fn the_derived_target_is_given_last_where_others_stand_beside_it() {
    let vni = |targets: &str| {
        let evpn = format!(
            " address-family l2vpn evpn\n  advertise-all-vni\n  vni 100\n{targets}  exit-vni\n exit-address-family\nexit\n"
        );
        BASE.replacen("exit\n!\nend", &format!("{evpn}!\nend"), 1)
    };
    let (derived, own, other) = (
        "   route-target import 65000:100\n",
        "   route-target import 65000:7\n",
        "   route-target import 65000:9\n",
    );
    let (alone, beside, changed) =
        (vni(derived), vni(&(own.to_owned() + derived)), vni(&(other.to_owned() + derived)));
    // FRR does not keep it alone; beside others it drops it when one of them changes.
    assert!(between(&vni(""), &alone).is_empty());
    assert_eq!(
        lines(&between(&alone, &beside)),
        ["route-target import 65000:7", "route-target import 65000:100"]
    );
    assert_eq!(
        lines(&between(&beside, &changed)),
        ["no route-target import 65000:7", "route-target import 65000:9", "route-target import 65000:100"]
    );
}

#[test]
fn next_hop_resolution_is_set_where_it_is_not_the_default() {
    let old = BASE.replace("frr version 10.3", "frr version 8.4.4");
    assert_eq!(lines(&between(&old, BASE)), ["ip nht resolve-via-default", "ipv6 nht resolve-via-default"]);
    let datacenter = BASE.replace("traditional", "datacenter");
    assert_eq!(lines(&between(&datacenter, BASE)).len(), 2);
    let off = BASE.replace("router bgp", "no ip nht resolve-via-default\nrouter bgp");
    assert_eq!(lines(&between(&off, BASE)), ["ip nht resolve-via-default"]);
}
