//! The policy of a BGPAdvertisement for nodes that are about to go (docs/draining.md).

use super::Model;
use super::bgp_advertisement::BgpAdvertisement;
use crate::duration::{self, DurationError};
use crate::guard::{GuardError, read_annotation};
use crate::snapshot::{Meta, Node, Snapshot};
use std::collections::BTreeSet;
use std::time::Duration;

/// On a BGPAdvertisement: a node that is cordoned, or tainted because its Pods are about to go, announces with community
/// `GRACEFUL_SHUTDOWN` (RFC 8326) for that long, then withdraws. `"true"` is 10 s, `"0"` withdraws at once. Without it,
/// and with `"false"`, such a node announces as before, as MetalLB's do.
pub const DRAIN: &str = "herald.metallb.io/drain";

/// What `"true"` stands for: routers have chosen other ways after that, also over several hops.
const USUAL: Duration = Duration::from_secs(10);
/// The longest time: who waits for longer does not wait for routers.
const LIMIT: Duration = Duration::from_hours(1);

/// What the annotation says; `None` where nodes keep announcing.
pub(crate) fn drain(meta: &Meta) -> Result<Option<Duration>, GuardError> {
    let wanted = "\"true\", \"false\" or a duration of whole seconds up to 1h such as 30s";
    read_annotation(meta, DRAIN, wanted, |text| policy(text).ok()).map(Option::flatten)
}

fn policy(text: &str) -> Result<Option<Duration>, DurationError> {
    match text {
        "true" => Ok(Some(USUAL)),
        "false" => Ok(None),
        text => {
            let time = Duration::from_secs(duration::parse_seconds(text)?);
            if time <= LIMIT { Ok(Some(time)) } else { Err(DurationError::Form(text.to_owned())) }
        }
    }
}

/// The times that the advertisements of the input ask for.
pub(crate) fn drain_times(snapshot: &Snapshot) -> BTreeSet<Duration> {
    let advertisements = snapshot.bgp_advertisements.iter();
    advertisements.filter_map(|advertisement| drain(&advertisement.meta).ok().flatten()).collect()
}

impl BgpAdvertisement {
    /// Whether a node is about to stop announcing by it.
    #[must_use]
    pub fn drains(&self, node: &Node) -> bool {
        node.draining && self.drain.is_some()
    }
}

impl Model {
    /// Whether the node that this is planned for has announced by it for long enough since it began to drain.
    pub(crate) fn is_over(&self, advertisement: &BgpAdvertisement, node: &Node) -> bool {
        let time = advertisement.drain.unwrap_or_default();
        advertisement.drains(node) && self.draining_for.is_none_or(|since| since >= time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_switch_or_a_time() {
        let seconds = |text| policy(text).ok().map(|time| time.map(|time| time.as_secs()));
        assert_eq!(seconds("true"), Some(Some(10)));
        assert_eq!(seconds("false"), Some(None));
        assert_eq!(seconds("0"), Some(Some(0)));
        assert_eq!(seconds("1m30s"), Some(Some(90)));
        assert_eq!(seconds("1h"), Some(Some(3600)));
        for wrong in ["", "yes", "1.5s", "500ms", "-1s", "61m"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
