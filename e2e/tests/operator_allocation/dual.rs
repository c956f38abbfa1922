//! Rows A13 to A19: Services with two families.

use crate::ground::{Ground, Wish};
use anyhow::{Result, ensure};

const V4: &str = "10.77.4.0/30";
const V6: &str = "fc00:77::/126";

/// A13: one that prefers both gets both from a pool that has both.
pub fn a13(ground: &Ground) -> Result<()> {
    ground.pool("a-v4", &["10.77.5.0/30"])?;
    ground.pool("b-v6", &["fc00:78::/126"])?;
    ground.pool("c-both", &[V4, V6])?;
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.4.0,fc00:77::")
}

/// A14: among pools of one family it takes IPv4.
pub fn a14(ground: &Ground) -> Result<()> {
    ground.pool("a-v6", &[V6])?;
    ground.pool("b-v4", &[V4])?;
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.4.0")
}

/// A15: IPv6 where that is its first family.
pub fn a15(ground: &Ground) -> Result<()> {
    ground.pool("a-v4", &[V4])?;
    ground.pool("b-v6", &[V6])?;
    let families = serde_json::json!(["IPv6", "IPv4"]);
    ground.service(&Wish::new("a").prefers_both().spec("ipFamilies", families))?;
    ground.has("a", "fc00:77::")
}

/// A16: its pool gets the other family, too: a second address, the first is kept.
pub fn a16(ground: &Ground) -> Result<()> {
    ground.pool("pool", &[V4])?;
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.4.0")?;
    let (_, message) = ground.says("a", "LoadBalancerAddressAllocated", "Allocated")?;
    ensure!(message.contains("cannot assign an additional IP"), "{message}");
    ground.pool("pool", &[V4, V6])?;
    ground.has("a", "10.77.4.0,fc00:77::")
}

/// A17: prefers, requires, prefers both, where there is IPv4 only: one address, none, one.
pub fn a17(ground: &Ground) -> Result<()> {
    ground.pool("pool", &[V4])?;
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.4.0")?;
    ground.service(&Wish::new("a").spec("ipFamilyPolicy", "RequireDualStack"))?;
    let message = ground.waits("a", "NoAvailableIPs")?;
    ensure!(message.contains("has no ipv6 addresses"), "{message}");
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.4.0")
}

/// A18: a better pool appears: it stays where it is.
pub fn a18(ground: &Ground) -> Result<()> {
    ground.pool("v4", &["10.77.5.0/30"])?;
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.5.0")?;
    ground.pool("both", &[V4, V6])?;
    ground.service(&Wish::new("b").prefers_both())?;
    ground.has("b", "10.77.4.0,fc00:77::")?;
    ground.has("a", "10.77.5.0")
}

/// A19: its pool loses a family: it moves to another that has both.
pub fn a19(ground: &Ground) -> Result<()> {
    ground.pool("first", &[V4, V6])?;
    ground.service(&Wish::new("a").prefers_both())?;
    ground.has("a", "10.77.4.0,fc00:77::")?;
    ground.pool("second", &["10.77.6.0/30", "fc00:79::/126"])?;
    ground.pool("first", &[V4])?;
    ground.has("a", "10.77.6.0,fc00:79::")
}

/// A Service with one cluster address has one address, whatever it prefers, and nothing is written again and again.
pub fn one_cluster_address(ground: &Ground) -> Result<()> {
    ground.pool("pool", &[V4, V6])?;
    ground.service(&Wish::new("a"))?;
    ground.has("a", "10.77.4.0")?;
    ground.service(&Wish::new("b").spec("ipFamilies", serde_json::json!(["IPv6"])))?;
    ground.has("b", "fc00:77::")
}
