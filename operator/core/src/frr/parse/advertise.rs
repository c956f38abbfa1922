//! `toAdvertise`.

use super::error::{ContributionError as Error, ContributionWarning as Warning};
use super::router::prefix;
use super::sink::Sink;
use crate::frr::contribution::{Outgoing, family};
use crate::problem::FieldPath;
use herald_crds::frrk8s::{Advertise, AllowMode, CommunityPrefixes, LocalPrefPrefixes, NextHop};
use herald_frr::value::{Community, Family, ValueError};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The prefixes that a router can announce, its own and imported ones, as they are written.
pub(super) struct Advertisable<'a> {
    by_text: &'a BTreeMap<String, IpNet>,
    by_value: BTreeMap<IpNet, &'a str>,
}

impl<'a> Advertisable<'a> {
    pub(super) fn new(by_text: &'a BTreeMap<String, IpNet>) -> Self {
        Self { by_text, by_value: by_text.iter().map(|(text, net)| (*net, text.as_str())).collect() }
    }
}

/// Where prefixes are named, and what can be named there.
pub(super) struct Scope<'a> {
    pub field: FieldPath,
    /// Families that the session carries.
    pub families: &'static [Family],
    pub known: &'a Advertisable<'a>,
}

/// Prefixes that the neighbor is sent, as they are written.
type Sent<'a> = BTreeMap<&'a str, IpNet>;

impl Scope<'_> {
    pub(super) fn outgoing(&self, spec: &Advertise, sink: &mut Sink<'_>) -> Outgoing {
        let mode = spec.allowed.as_ref().and_then(|allowed| allowed.mode);
        let all = mode == Some(AllowMode::All);
        let mut sent: Sent<'_> = BTreeMap::new();
        if all {
            // What stands in `prefixes` does not count then, not even if it is no prefix.
            if spec.allowed.as_ref().is_some_and(|allowed| !allowed.prefixes.is_empty()) {
                let field = self.field.key("allowed").key("prefixes");
                sink.warn(field, &Warning::PrefixesWithModeAll);
            }
            let carried = self.known.by_text.iter().filter(|(_, net)| self.carries(net));
            sent.extend(carried.map(|(text, net)| (text.as_str(), *net)));
        } else if let Some(allowed) = &spec.allowed {
            let field = self.field.key("allowed").key("prefixes");
            for (at, text) in allowed.prefixes.iter().enumerate() {
                if let Some(net) = self.named(text, &field.index(at), sink) {
                    sent.insert(text, net);
                }
            }
        }
        let (next_hop_v4, next_hop_v6) =
            spec.next_hop.as_ref().map(|hop| self.next_hops(hop, sink)).unwrap_or_default();
        Outgoing {
            all,
            next_hop_v4,
            next_hop_v6,
            local_prefs: self.local_prefs(&spec.with_local_pref, &sent, sink),
            communities: self.communities(&spec.with_community, &sent, sink),
            allowed: if all { BTreeSet::new() } else { sent.into_values().collect() },
        }
    }

    fn carries(&self, net: &IpNet) -> bool {
        self.families.contains(&family(net))
    }

    /// A prefix of a family that the session carries.
    fn of_session(&self, text: &str) -> Result<IpNet, Error> {
        let net = prefix(text)?;
        let name = self.families.first().map_or("", |f| if *f == Family::V4 { "ipv4" } else { "ipv6" });
        if self.carries(&net) { Ok(net) } else { Err(Error::Family { prefix: net, family: name }) }
    }

    /// A prefix that the router has.
    fn named(&self, text: &str, field: &FieldPath, sink: &mut Sink<'_>) -> Option<IpNet> {
        let net = sink.take(field, self.of_session(text))?;
        if self.known.by_text.contains_key(text) {
            return Some(net);
        }
        let given = text.to_owned();
        sink.error(
            field.clone(),
            match self.known.by_value.get(&net) {
                Some(known) => Error::Spelling { given, known: (*known).to_owned() },
                None => Error::NotConfigured(given),
            },
        );
        None
    }

    /// The prefixes of one group: each once, each sent to the neighbor.
    fn group(
        &self,
        what: &str,
        prefixes: &[String],
        sent: &Sent<'_>,
        field: &FieldPath,
        sink: &mut Sink<'_>,
    ) -> Vec<IpNet> {
        let mut seen = BTreeSet::new();
        let mut nets = Vec::new();
        for (at, text) in prefixes.iter().enumerate() {
            let field = field.key("prefixes").index(at);
            let Some(net) = sink.take(&field, self.of_session(text)) else { continue };
            if !sent.contains_key(text.as_str()) {
                sink.error(field, Error::NotAdvertised { what: what.to_owned(), prefix: text.clone() });
            } else if !seen.insert(text) {
                sink.error(field, Error::PrefixTwice { what: what.to_owned(), prefix: text.clone() });
            } else {
                nets.push(net);
            }
        }
        nets
    }

    fn local_prefs(
        &self,
        groups: &[LocalPrefPrefixes],
        sent: &Sent<'_>,
        sink: &mut Sink<'_>,
    ) -> BTreeMap<IpNet, u32> {
        let mut values = BTreeSet::new();
        let mut found: BTreeMap<IpNet, u32> = BTreeMap::new();
        for (at, group) in groups.iter().enumerate() {
            let field = self.field.key("withLocalPref").index(at);
            let given = group.local_pref.unwrap_or_default();
            let Some(value) = sink.take(&field.key("localPref"), local_pref(given)) else { continue };
            if !values.insert(value) {
                sink.error(field.key("localPref"), Error::DefinedTwice(format!("local preference {value}")));
            }
            for net in self.group(&format!("localPref {value}"), &group.prefixes, sent, &field, sink) {
                match found.insert(net, value) {
                    Some(first) if first != value => {
                        let why = Error::TwoLocalPrefs { prefix: net, first, second: value };
                        sink.error(field.key("prefixes"), why);
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn communities(
        &self,
        groups: &[CommunityPrefixes],
        sent: &Sent<'_>,
        sink: &mut Sink<'_>,
    ) -> BTreeMap<IpNet, BTreeSet<Community>> {
        let mut values = BTreeSet::new();
        let mut found: BTreeMap<IpNet, BTreeSet<Community>> = BTreeMap::new();
        for (at, group) in groups.iter().enumerate() {
            let field = self.field.key("withCommunity").index(at);
            let given = group.community.as_deref().unwrap_or_default();
            let Some(value) =
                sink.take(&field.key("community"), given.parse::<Community>().map_err(Error::Community))
            else {
                continue;
            };
            if !values.insert(value) {
                sink.error(field.key("community"), Error::DefinedTwice(format!("community {value}")));
            }
            for net in self.group(&format!("community {value}"), &group.prefixes, sent, &field, sink) {
                found.entry(net).or_default().insert(value);
            }
        }
        found
    }

    fn next_hops(&self, spec: &NextHop, sink: &mut Sink<'_>) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
        let field = self.field.key("nextHop");
        let v4 = self.next_hop::<Ipv4Addr>(spec.ipv4.as_deref(), Family::V4, &field.key("ipv4"), sink);
        let v6 = self.next_hop::<Ipv6Addr>(spec.ipv6.as_deref(), Family::V6, &field.key("ipv6"), sink);
        (v4, v6)
    }

    fn next_hop<A: std::str::FromStr>(
        &self,
        given: Option<&str>,
        of: Family,
        field: &FieldPath,
        sink: &mut Sink<'_>,
    ) -> Option<A> {
        let text = given.filter(|text| !text.is_empty())?;
        let name = if of == Family::V4 { "ipv4" } else { "ipv6" };
        let mapped = text.parse::<Ipv6Addr>().is_ok_and(|v6| v6.to_ipv4_mapped().is_some());
        let parsed = text.parse::<A>().ok().filter(|_| !mapped);
        let invalid = || Error::NextHop { family: name, given: text.to_owned() };
        let hop = sink.take(field, parsed.ok_or_else(invalid))?;
        if !self.families.contains(&of) {
            sink.error(field.clone(), Error::NextHopFamily { family: name, given: text.to_owned() });
            return None;
        }
        Some(hop)
    }
}

fn local_pref(given: i64) -> Result<u32, ValueError> {
    u32::try_from(given).map_err(|_| ValueError::Range {
        value: u64::try_from(given).unwrap_or_default(),
        low: 0,
        high: u32::MAX.into(),
    })
}
