//! A configuration as its difference from the one before: prefixes come and go, all else is a short text.

use super::Record;
use herald_frr::config::{FrrConfig, Network, Origins, RawSnippet, Router};
use herald_frr::render::{RenderOptions, Secrets, mask_passwords, render};
use herald_frr::running;
use herald_frr::shared::SharedMap;
use herald_frr::value::{FrrName, InterfaceName, RawConfig};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why the configuration of a revision cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not, or no longer, in the history.
    #[error("no revision {wanted} in the history; it holds {held}")]
    NoSuchRevision {
        /// What was asked for.
        wanted: u64,
        /// What there is, in words.
        held: String,
    },
    /// One that it builds on could not be read.
    #[error("revision {wanted} builds on revision {missing}, which could not be read")]
    Missing {
        /// What was asked for.
        wanted: u64,
        /// What it needs.
        missing: u64,
    },
}

/// What a revision changes in the configuration of the revision before, passwords masked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigChange {
    /// The revision that it builds on; `None` where it says everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<u64>,
    /// All but the `network` lines; `None` where that is as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// `network` lines that come, change or go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Networks>,
}

/// A configuration without its `network` lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// As `frr.conf`.
    pub text: String,
    /// Hand-written snippets, which cannot be told from the rest by their lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raw: Vec<String>,
}

/// `network` lines of one VRF and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Networks {
    /// The VRF; `None` is the default VRF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vrf: Option<String>,
    /// Their class; `None` where they have none or are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// They go.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub gone: bool,
    /// The prefixes.
    pub prefixes: Vec<IpNet>,
}

impl ConfigChange {
    /// All of a configuration.
    #[must_use]
    pub fn full(config: &FrrConfig) -> Self {
        let empty = FrrConfig::default();
        Self { follows: None, frame: Some(Frame::of(config)), networks: networks(&empty, config) }
    }

    /// What changes from one configuration, recorded as revision `follows`, to the next. Where only networks
    /// differ, it costs their comparison.
    #[must_use]
    pub fn between(follows: u64, before: &FrrConfig, after: &FrrConfig) -> Self {
        let frame = if same_frame(before, after) {
            None
        } else {
            Some(Frame::of(after)).filter(|frame| *frame != Frame::of(before))
        };
        Self { follows: Some(follows), frame, networks: networks(before, after) }
    }
}

impl Frame {
    fn of(config: &FrrConfig) -> Self {
        let bare = |(vrf, router): (&Option<InterfaceName>, &Router)| (vrf.clone(), without_networks(router));
        let frame = FrrConfig {
            prefix_lists: config.prefix_lists.clone(),
            route_maps: config.route_maps.clone(),
            vrf_vnis: config.vrf_vnis.clone(),
            routers: config.routers.iter().map(bare).collect(),
            bfd_profiles: config.bfd_profiles.clone(),
            raw: Vec::new(),
        };
        let raw = config.raw.iter().map(|snippet| mask_passwords(snippet.text.as_str()).into_owned());
        Self { text: text(&frame), raw: raw.collect() }
    }

    fn config(&self) -> FrrConfig {
        let snippet = |text: &String| RawSnippet { text: RawConfig::new(text), origins: Origins::new() };
        FrrConfig { raw: self.raw.iter().map(snippet).collect(), ..running::parse(&self.text).config }
    }
}

/// The configuration of a revision, passwords masked; without origins.
pub fn rebuild(records: &[Record], revision: u64) -> Result<FrrConfig, ConfigError> {
    let position = |revision| records.iter().position(|record| record.entry.revision == revision);
    let Some(mut at) = position(revision) else {
        return Err(ConfigError::NoSuchRevision { wanted: revision, held: held(records) });
    };
    let mut chain = Vec::new();
    while let Some(record) = records.get(at) {
        chain.push(&record.config);
        let Some(follows) = record.config.follows else { break };
        at = position(follows).ok_or(ConfigError::Missing { wanted: revision, missing: follows })?;
    }
    let frame = chain.iter().find_map(|change| change.frame.as_ref());
    let mut config = frame.map(Frame::config).unwrap_or_default();
    for change in chain.iter().rev() {
        for group in &change.networks {
            apply(&mut config, group);
        }
    }
    Ok(config)
}

/// The revisions in words.
fn held(records: &[Record]) -> String {
    match (records.first(), records.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.entry.revision, last.entry.revision),
        _ => "none".to_owned(),
    }
}

fn apply(config: &mut FrrConfig, group: &Networks) {
    let vrf: Option<InterfaceName> = group.vrf.as_deref().and_then(|vrf| vrf.parse().ok());
    // A router that is gone by now took its networks along.
    let Some(router) = config.routers.get_mut(&vrf) else { return };
    let class: Option<FrrName> = group.class.as_deref().and_then(|class| class.parse().ok());
    for prefix in &group.prefixes {
        if group.gone {
            router.networks.remove(prefix);
        } else {
            router.networks.insert(*prefix, Network { class: class.clone(), origins: Origins::new() });
        }
    }
}

fn text(config: &FrrConfig) -> String {
    render(config, &RenderOptions { secrets: Secrets::Mask, annotate: false })
}

fn without_networks(router: &Router) -> Router {
    Router {
        asn: router.asn,
        router_id: router.router_id,
        imports: router.imports.clone(),
        neighbors: router.neighbors.clone(),
        networks: SharedMap::new(),
        evpn: router.evpn.clone(),
        origins: Origins::new(),
    }
}

fn same_frame(before: &FrrConfig, after: &FrrConfig) -> bool {
    let same = |(old, new): (&Router, &Router)| {
        (old.asn, old.router_id, &old.imports, &old.neighbors, &old.evpn)
            == (new.asn, new.router_id, &new.imports, &new.neighbors, &new.evpn)
    };
    before.routers.keys().eq(after.routers.keys())
        && before.routers.values().zip(after.routers.values()).all(same)
        && before.prefix_lists == after.prefix_lists
        && before.route_maps == after.route_maps
        && before.vrf_vnis == after.vrf_vnis
        && before.bfd_profiles == after.bfd_profiles
        && before.raw == after.raw
}

/// VRF, whether they go, class.
type Key<'c> = (Option<&'c InterfaceName>, bool, Option<FrrName>);
type Groups<'c> = BTreeMap<Key<'c>, Vec<IpNet>>;

/// The groups of networks that come, change or go.
fn networks<'c>(before: &'c FrrConfig, after: &'c FrrConfig) -> Vec<Networks> {
    let mut groups: Groups<'_> = BTreeMap::new();
    let none = SharedMap::new();
    let added = after.routers.keys().filter(|vrf| !before.routers.contains_key(*vrf));
    for vrf in before.routers.keys().chain(added) {
        let of = |config: &'c FrrConfig| config.routers.get(vrf).map(|router| &router.networks);
        for change in of(before).unwrap_or(&none).changes(of(after).unwrap_or(&none)) {
            let key = match (change.before, change.after) {
                (Some(old), Some(new)) if old.class == new.class => continue,
                (_, Some(new)) => (vrf.as_ref(), false, new.class.clone()),
                (_, None) => (vrf.as_ref(), true, None),
            };
            groups.entry(key).or_default().push(*change.key);
        }
    }
    let group = |((vrf, gone, class), prefixes): (Key<'_>, Vec<IpNet>)| Networks {
        vrf: vrf.map(ToString::to_string),
        class: class.map(|class| class.to_string()),
        gone,
        prefixes,
    };
    groups.into_iter().map(group).collect()
}
