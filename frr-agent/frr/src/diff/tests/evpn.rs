//! Route distinguishers that FRR has and does not show.

use super::*;

/// A router of a VRF with these lines of EVPN.
fn vrf(evpn: &str) -> String {
    format!(
        "frr version 10.3\nrouter bgp 65000 vrf red\n bgp router-id 10.0.0.2\n coalesce-time 200\n \
         address-family l2vpn evpn\n  advertise ipv4 unicast\n  advertise ipv6 unicast\n{evpn} exit-address-family\nexit\n"
    )
}

/// The default router with these lines of the L2VNI 100.
fn l2vni(vni: &str) -> String {
    format!(
        "frr version 10.3\nrouter bgp 65000\n bgp router-id 10.0.0.1\n coalesce-time 200\n \
         address-family l2vpn evpn\n  advertise-all-vni\n  vni 100\n{vni}  exit-vni\n exit-address-family\nexit\n"
    )
}

/// The `rd` lines between two configurations, of which the first runs.
fn rds(from: &str, to: &str) -> Vec<String> {
    let plan = plan(&parse(from), &parse(to).config, &shipped());
    let lines = plan.lines.iter().map(|line| line.text.trim().to_owned());
    lines.filter(|line| line.trim_start_matches("no ").starts_with("rd ")).collect()
}

#[test]
fn an_rd_comes_behind_another_one_where_frr_may_have_it_already_without_showing_it() {
    assert_eq!(rds(&vrf(""), &vrf("  rd 65000:77\n")), ["rd 0:1", "rd 65000:77"]);
    assert_eq!(rds(&vrf(""), &vrf("  rd 0:1\n")), ["rd 0:2", "rd 0:1"]);
    // FRR derives those of L2VNIs from the router id.
    assert_eq!(rds(&l2vni(""), &l2vni("   rd 10.0.0.1:3\n")), ["rd 0:1", "rd 10.0.0.1:3"]);
    assert_eq!(rds(&l2vni(""), &l2vni("   rd 65000:77\n")), ["rd 65000:77"]);
}

#[test]
fn an_rd_that_frr_shows_and_one_of_a_new_router_are_given_as_they_are() {
    assert_eq!(rds(&vrf("  rd 65000:77\n"), &vrf("  rd 65000:78\n")), ["rd 65000:78"]);
    assert_eq!(rds(&vrf("  rd 65000:77\n"), &vrf("")), ["no rd 65000:77"]);
    assert_eq!(rds("frr version 10.3\n", &vrf("  rd 65000:77\n")), ["rd 65000:77"]);
}
