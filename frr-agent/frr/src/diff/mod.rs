//! From what FRR runs to what is wanted: the lines that differ, in an order that is safe.
//!
//! Safe means: FRR takes each line where it stands, and at no moment is a prefix announced to a
//! neighbor that neither the running nor the wanted configuration announces it to. What is taken
//! away comes first, but for prefixes that hide what an import brings; lists, route-maps and profiles stand before what names them; sessions are
//! activated last, so that a cold load ends with End-of-RIB behind the last prefix.

mod apply;
mod clears;
mod edit;
mod effects;
mod foreign;
mod lists;
mod maps;
mod ops;
mod owned;
mod prefixes;
mod routers;
mod script;
mod tags;
#[cfg(test)]
mod tests;
mod tuning;

use crate::config::{FrrConfig, NeighborId, Origins};
use crate::render::mask_passwords;
use crate::running::{Policies, Running};
use crate::statement::{Context, Statements, Vrf, fit, lower};
use crate::value::Family;
use apply::Sides;
use ops::Ops;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use edit::edit;
pub use effects::{EFFECTS, StatementEffect};
pub use foreign::hand_written;
pub use owned::{Ownership, Scope};
pub use prefixes::{Expected, PrefixChange};
pub use tuning::QUICK;

/// What a line does to sessions that are up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Nothing beyond what the line says.
    None,
    /// Routes are evaluated again; sessions stay.
    Soft,
    /// At least one session that runs restarts or ends, see [`ChangePlan::resets`].
    Reset,
}

/// A session of one FRR.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Session {
    /// The VRF; `None` is the default VRF.
    pub vrf: Vrf,
    /// What FRR names it with.
    pub neighbor: NeighborId,
}

/// The way that routes go through a route-map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// A session and family whose changed route-map is to be used at once, not after FRR's 5 seconds
/// (`bgp route-map delay-timer`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SoftClear {
    /// The session.
    pub session: Session,
    /// The unicast family.
    pub family: Family,
    /// Which of its route-maps changed.
    pub direction: Direction,
}

impl SoftClear {
    /// The exec command, for `vtysh -c`; `vtysh -f` does not take it.
    #[must_use]
    pub fn command(&self) -> String {
        let vrf = self.session.vrf.as_ref().map(|vrf| format!("vrf {vrf} ")).unwrap_or_default();
        let way = match self.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        format!("clear bgp {vrf}{} unicast {} soft {way}", self.family, self.session.neighbor)
    }
}

/// One line of the input of `vtysh -f`.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedLine {
    /// The line as FRR is given it: it may hold a password, see [`PlannedLine::masked`].
    pub text: String,
    /// Where it comes from. For what is taken away that is what brought it, as far as that is known.
    pub origins: Origins,
    /// What it does to sessions that are up.
    pub effect: Effect,
    /// True for a line that only opens or closes a block.
    pub frame: bool,
}

impl PlannedLine {
    /// The line for people and logs.
    #[must_use]
    pub fn masked(&self) -> Cow<'_, str> {
        mask_passwords(&self.text)
    }
}

impl fmt::Debug for PlannedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({:?})", self.masked(), self.effect)
    }
}

/// What brings FRR from what it runs to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangePlan {
    /// For one run of `vtysh -f`: line N of the file is element N - 1.
    pub lines: Vec<PlannedLine>,
    /// What is to be cleared softly afterwards, and nothing else.
    pub soft_clears: BTreeSet<SoftClear>,
    /// Sessions that restart or end; new ones are not among them.
    pub resets: BTreeSet<Session>,
    /// See [`ChangePlan::prefixes`].
    pub networks: Option<Vec<PrefixChange>>,
}

impl ChangePlan {
    /// True if FRR runs what is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The changed prefixes with what is expected of each, if the plan changes nothing else.
    #[must_use]
    pub fn prefixes(&self) -> Option<&[PrefixChange]> {
        self.networks.as_deref()
    }

    /// The input of `vtysh -f`, with passwords as they are.
    #[must_use]
    pub fn script(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + &line.text + "\n")
    }

    /// The line with a number of the script, from 1.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&PlannedLine> {
        self.lines.get(number.checked_sub(1)?)
    }
}

/// Compares what runs with what is wanted.
///
/// Empty if they mean the same to FRR, also where it writes a value in another way. Statements that
/// are not ours (see [`Ownership`]) are never touched.
#[must_use]
pub fn plan(running: &Running, wanted: &FrrConfig, ownership: &Ownership<'_>) -> ChangePlan {
    let raw = foreign::Raw::read(wanted);
    let want = statements(lower::lower(wanted), &raw);
    let owned = ownership.of(running, wanted);
    let applied = ownership.applied.map(|config| (config, foreign::Raw::read(config)));
    let known = applied.as_ref().map(|(config, raw)| statements(lower::lower(config), raw));
    let mut elsewhere = running.elsewhere.clone();
    if !elsewhere.blocks.is_empty() {
        Policies::of(&want).take_from(&mut elsewhere);
    }
    let (known, left) = (known.unwrap_or_default(), elsewhere.with_origins(&Statements::default()));
    let mut have = running.statements.with_origins(&known);
    have.add(left);
    let sides = Sides { version: running.version, ..Sides::new(&have, &want, &owned) };
    let first = |ops: &mut Ops| foreign::diff(ops, running, wanted, &raw, &owned, ownership);
    complete(sides, wanted, &raw, running.map_delay(), first)
}

/// Statements with those of the hand-written parts, in the form in which FRR keeps them.
fn statements<'c>(mut lowered: Statements<'c>, raw: &foreign::Raw<'c>) -> Statements<'c> {
    tuning::coalesce(&mut lowered);
    raw.add_to(&mut lowered);
    fit(&mut lowered);
    lowered
}

/// All steps between the two sides, behind those that `first` adds; `delay` is what [`Running::map_delay`] says.
fn complete(
    mut sides: Sides<'_>,
    wanted: &FrrConfig,
    raw: &foreign::Raw<'_>,
    delay: Option<u16>,
    first: impl FnOnce(&mut Ops),
) -> ChangePlan {
    let mut ops = Ops::default();
    first(&mut ops);
    routers::diff(&mut ops, &mut sides);
    raw.again(&mut ops, &sides);
    apply::top(&mut ops, &sides);
    lists::diff(&mut ops, &sides);
    let tags = tags::Tags::of(&sides);
    maps::diff(&mut ops, &sides, &tags);
    tuning::quick(&mut ops, &sides, raw.map_delay(), delay);
    let soft_clears = clears::of(&sides, &tags);
    let only_networks = ops.are_prefixes() && soft_clears.is_empty();
    let prefixes = std::mem::take(&mut ops.prefixes);
    let networks = prefixes.into_iter().map(|change| change.tagged(wanted));
    ChangePlan {
        networks: only_networks.then(|| networks.collect()),
        lines: script::build(ops.sorted()),
        soft_clears,
        resets: sides.resets,
    }
}

/// Blocks of one kind, by name.
type Maps<'s> = BTreeMap<&'s crate::value::FrrName, BTreeMap<u16, &'s crate::statement::Block<'s>>>;

/// The entries of every route-map.
fn route_maps<'s>(statements: &'s Statements<'s>) -> Maps<'s> {
    let mut maps = Maps::new();
    for (context, block) in &statements.blocks {
        if let Context::RouteMap(name, seq) = context {
            maps.entry(name).or_default().insert(*seq, block);
        }
    }
    maps
}
