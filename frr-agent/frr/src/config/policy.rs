//! Prefix-lists and route-maps (FRR manual, "Filtering" and "Route Maps").

use super::Origins;
use crate::value::{Family, FrrName, LargeCommunity, StandardCommunity, Tag};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// `permit` or `deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Accept.
    Permit,
    /// Refuse.
    Deny,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        })
    }
}

/// `ip|ipv6 prefix-list NAME`: rules by sequence number. All are of the list's family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrefixList {
    /// Rules by `seq`.
    pub rules: BTreeMap<u32, PrefixRule>,
}

/// One rule of a prefix-list. `net` with length 0, `ge` none and `le` the full length is `any`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixRule {
    /// What happens to a prefix that matches.
    pub action: Action,
    /// The prefix, host bits cleared.
    pub net: IpNet,
    /// `ge`: shortest length that matches; never below the prefix' own.
    pub ge: Option<u8>,
    /// `le`: longest length that matches; never below `ge`.
    pub le: Option<u8>,
    /// Where it comes from.
    pub origins: Origins,
}

impl PrefixRule {
    /// True if a prefix matches: it lies within `net`, and its length within the bounds.
    #[must_use]
    pub fn covers(&self, prefix: &IpNet) -> bool {
        let exact = self.net.prefix_len();
        let longest = self.le.unwrap_or(if self.ge.is_some() { self.net.max_prefix_len() } else { exact });
        let bounds = self.ge.unwrap_or(exact)..=longest;
        self.net.contains(prefix) && bounds.contains(&prefix.prefix_len())
    }

    /// True if every prefix of the family matches.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.net.prefix_len() == 0 && self.ge.is_none() && self.le == Some(self.net.max_prefix_len())
    }
}

/// What it matches, as FRR writes it: `any`, or the prefix with its bounds.
impl fmt::Display for PrefixRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("any");
        }
        self.net.fmt(f)?;
        self.ge.iter().try_for_each(|ge| write!(f, " ge {ge}"))?;
        self.le.iter().try_for_each(|le| write!(f, " le {le}"))
    }
}

/// `route-map NAME`: entries by sequence number, 1 to 65535.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteMap {
    /// Entries by sequence number.
    pub entries: BTreeMap<u16, RouteMapEntry>,
}

/// One entry of a route-map: all of its matches must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMapEntry {
    /// What happens to a route that matches.
    pub action: Action,
    /// What must hold; empty matches every route.
    pub matches: Match,
    /// What is changed.
    pub sets: Sets,
    /// Where it comes from.
    pub origins: Origins,
}

/// What a route must have to match an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// `match tag N`.
    pub tag: Option<Tag>,
    /// `match ip|ipv6 address prefix-list NAME`.
    pub prefix_list: Option<(Family, FrrName)>,
}

/// What an entry changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sets {
    /// `set tag N`.
    pub tag: Option<Tag>,
    /// `set local-preference N`.
    pub local_preference: Option<u32>,
    /// `set community ... additive`.
    pub communities: BTreeSet<StandardCommunity>,
    /// `set large-community ... additive`.
    pub large_communities: BTreeSet<LargeCommunity>,
    /// `set ip next-hop A`.
    pub next_hop_v4: Option<Ipv4Addr>,
    /// `set ipv6 next-hop global A`.
    pub next_hop_v6: Option<Ipv6Addr>,
}
