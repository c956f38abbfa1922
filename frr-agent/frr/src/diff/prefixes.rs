//! Plans that change prefixes and nothing else: what is expected of each afterwards.

use crate::config::FrrConfig;
use crate::statement::Vrf;
use crate::value::{FrrName, Tag};
use ipnet::IpNet;

/// A prefix of which a plan changes the `network` line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrefixChange {
    /// The VRF; `None` is the default VRF.
    pub vrf: Vrf,
    /// The prefix, host bits cleared.
    pub prefix: IpNet,
    /// What FRR is to have of it.
    pub expected: Expected,
}

/// What FRR has of a prefix after a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// No path of its own.
    Gone,
    /// A path of its own, marked by this class with this tag.
    Present {
        /// The class; without one nobody is sent the prefix.
        class: Option<FrrName>,
        /// The tag that the class sets.
        tag: Option<Tag>,
    },
}

impl PrefixChange {
    /// `class` is the wanted one; `None` if the prefix goes.
    pub(super) fn new(vrf: &Vrf, prefix: IpNet, class: Option<&str>) -> Self {
        let present = |class: &str| Expected::Present { class: class.parse().ok(), tag: None };
        Self { vrf: vrf.clone(), prefix, expected: class.map_or(Expected::Gone, present) }
    }

    /// Fills in the tag that the class has in the wanted configuration.
    pub(super) fn tagged(mut self, wanted: &FrrConfig) -> Self {
        if let Expected::Present { class: Some(class), tag } = &mut self.expected {
            let mut entries = wanted.route_maps.get(class).into_iter().flat_map(|map| map.entries.values());
            *tag = entries.find_map(|entry| entry.sets.tag);
        }
        self
    }
}
