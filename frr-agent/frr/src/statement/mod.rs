//! A configuration as single statements: where each stands, what it decides, and its value.
//!
//! This is what the diff compares. [`lower`] makes statements of a [`FrrConfig`](crate::config::FrrConfig),
//! [`raise`] makes a configuration of statements, [`read`] takes a line apart and [`text`] writes one.

mod fit;
pub mod lower;
pub mod raise;
pub mod read;
pub mod text;
pub mod value;

pub use fit::fit;

use crate::config::{AddressFamily, NeighborId, Origin, Origins, RouteTarget};
use crate::value::{Family, FrrName, InterfaceName, Vni};
use ipnet::IpNet;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The VRF of a `router bgp` block; `None` is the default VRF.
pub type Vrf = Option<InterfaceName>;

/// The block that a statement stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// No block.
    Top,
    /// `vrf NAME`.
    Vrf(InterfaceName),
    /// `route-map NAME ACTION SEQ`; the action is the block's head.
    RouteMap(FrrName, u16),
    /// `router bgp ASN [vrf NAME]`; the AS number is the block's head.
    Router(Vrf),
    /// `address-family ...` of a router.
    Family(Vrf, AddressFamily),
    /// `vni N` of a router's `l2vpn evpn`.
    Vni(Vrf, Vni),
    /// `bfd` / `profile NAME`.
    BfdProfile(FrrName),
}

/// What a statement decides. Within a block FRR is given them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the statement of FRR that it is named after")]
pub enum Kind {
    Nht,
    PrefixRule,
    VrfVni,
    MatchPrefixList,
    MatchTag,
    SetCommunity,
    SetNextHopV4,
    SetNextHopV6,
    SetLargeCommunity,
    SetLocalPreference,
    SetTag,
    // Before any neighbor and any network: these decide what a new one is.
    NoEbgpRequiresPolicy,
    NoDefaultIpv4Unicast,
    NoImportCheck,
    PreserveFwState,
    CoalesceTime,
    RouterId,
    RemoteAs,
    LocalAs,
    Bfd,
    BfdProfile,
    Password,
    Port,
    Multihop,
    DisableConnectedCheck,
    UpdateSource,
    Timers,
    ConnectTimer,
    GracefulRestart,
    MapIn,
    MapOut,
    Network,
    Activate,
    Import,
    AdvertiseAllVni,
    AdvertiseSviIp,
    Advertise,
    Rd,
    ImportTarget,
    ExportTarget,
    DetectMultiplier,
    TransmitInterval,
    ReceiveInterval,
    PassiveMode,
    EchoMode,
    EchoTransmit,
    EchoReceive,
    MinimumTtl,
}

/// Which one of its kind a statement is, where a block may hold several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// There is one.
    Sole,
    /// Per family.
    Family(Family),
    /// A rule of a prefix-list, by its number.
    Rule(Family, FrrName, u32),
    /// A neighbor.
    Neighbor(NeighborId),
    /// A `network`.
    Prefix(IpNet),
    /// `import vrf`.
    Vrf(Vrf),
    /// A route target; the flag puts the derived one last (see [`RouteTarget::auto`]).
    Target(bool, RouteTarget),
}

/// What a statement decides: there is at most one statement per key in a block.
pub type Key = (Kind, Subject);

/// The value of a statement, as FRR writes it; empty for one that is just there.
#[derive(Clone, PartialEq, Eq)]
pub struct Value<'a> {
    /// What stands behind the keyword.
    pub text: Cow<'a, str>,
    /// Where it comes from.
    pub origins: Option<&'a Origins>,
}

impl Value<'_> {
    /// What stands behind the keyword.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Value<'_> {
    /// Prints no value: it may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value(..)")
    }
}

/// One block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block<'a> {
    /// What its first line says beside its name: an action, an AS number.
    pub head: String,
    /// Where the block comes from.
    pub origins: Option<&'a Origins>,
    /// Its statements.
    pub lines: BTreeMap<Key, Value<'a>>,
}

impl<'a> Block<'a> {
    /// Puts a statement in place of any with the same key.
    pub fn put(
        &mut self,
        kind: Kind,
        subject: Subject,
        text: impl Into<Cow<'a, str>>,
        origins: Option<&'a Origins>,
    ) {
        self.lines.insert((kind, subject), Value { text: text.into(), origins });
    }

    /// The statements of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Subject, &Value<'a>)> {
        // `Sole` is the first of the subjects; a block may hold thousands of another kind.
        let from = self.lines.range((kind, Subject::Sole)..);
        from.take_while(move |((k, _), _)| *k == kind).map(|((_, subject), value)| (subject, value))
    }

    /// Where the block and everything in it comes from.
    #[must_use]
    pub fn all_origins(&self) -> Origins {
        self.each_origin().cloned().collect()
    }

    /// As [`Block::all_origins`], some of them several times.
    pub fn each_origin(&self) -> impl Iterator<Item = &'a Origin> {
        let lines = self.lines.values().filter_map(|value| value.origins);
        self.origins.into_iter().chain(lines).flatten()
    }

    /// The value of a statement that there is one of.
    #[must_use]
    pub fn sole(&self, kind: Kind) -> Option<&str> {
        self.lines.get(&(kind, Subject::Sole)).map(Value::as_str)
    }
}

/// A configuration as statements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements<'a> {
    /// Blocks; an absent one is empty.
    pub blocks: BTreeMap<Context, Block<'a>>,
}

impl<'a> Statements<'a> {
    /// The same statements, each with the origins that a statement with its key has in `known`.
    #[must_use]
    pub fn with_origins(&'a self, known: &Statements<'a>) -> Self {
        let empty = Block::default();
        let blocks = self.blocks.iter().map(|(context, block)| {
            let known = known.blocks.get(context).unwrap_or(&empty);
            let lines = block.lines.iter().map(|(key, value)| {
                let origins = known.lines.get(key).and_then(|value| value.origins);
                (key.clone(), Value { text: Cow::Borrowed(value.as_str()), origins })
            });
            let block = Block { head: block.head.clone(), origins: known.origins, lines: lines.collect() };
            (context.clone(), block)
        });
        Self { blocks: blocks.collect() }
    }

    /// Adds those of others, block by block.
    pub fn add(&mut self, others: Self) {
        for (context, block) in others.blocks {
            let known = self
                .blocks
                .entry(context)
                .or_insert_with(|| Block { lines: BTreeMap::new(), ..block.clone() });
            known.lines.extend(block.lines);
        }
    }

    /// The block, made empty if there is none.
    pub fn block(&mut self, context: Context) -> &mut Block<'a> {
        self.blocks.entry(context).or_default()
    }
}
