//! The two sides of a comparison, and the blocks that need no more than a comparison.

use super::Session;
use super::ops::{Change, Op, Ops, Phase};
use super::owned::Owned;
use super::tags;
use crate::config::{AddressFamily, Origins};
use crate::diff::Effect;
use crate::statement::{Block, Context, Key, Kind, Statements, Subject, Vrf, text};
use crate::value::{Family, FrrName};
use std::collections::{BTreeMap, BTreeSet};

/// What runs, what is wanted, and what the plan does to sessions.
pub struct Sides<'s> {
    pub have: &'s Statements<'s>,
    pub want: &'s Statements<'s>,
    pub owned: &'s Owned,
    /// The version of FRR, as far as it is known.
    pub version: Option<(u16, u16)>,
    /// Routers that run and are taken away, or made anew.
    pub gone: BTreeSet<Vrf>,
    /// Sessions that run and are taken away, or made anew.
    pub ended: BTreeSet<Session>,
    /// Sessions that run and restart or end.
    pub resets: BTreeSet<Session>,
    /// Sessions that the plan makes, and where they come from.
    pub begun: BTreeMap<Session, Origins>,
    /// Classes of prefixes that both sides have alike, where these are not among the statements.
    pub alike: BTreeSet<(&'s Vrf, Family, &'s FrrName)>,
    /// Route-maps that change.
    pub changed: BTreeSet<&'s FrrName>,
}

impl<'s> Sides<'s> {
    pub fn new(have: &'s Statements<'s>, want: &'s Statements<'s>, owned: &'s Owned) -> Self {
        let (gone, ended, resets, alike) = ([].into(), [].into(), [].into(), [].into());
        Self {
            have,
            want,
            owned,
            version: None,
            gone,
            ended,
            resets,
            begun: BTreeMap::new(),
            alike,
            changed: tags::changed(have, want),
        }
    }

    /// What a prefix of the router's own hides of what its imports bring; those that go do so before any prefix.
    pub fn hides(&self, vrf: &Vrf, family: AddressFamily, prefix: &Subject) -> Option<Hidden> {
        let context = |vrf: &Vrf| Context::Family(vrf.clone(), family);
        let has = |side: &Statements<'_>, vrf: &Vrf, key: &Key| {
            side.blocks.get(&context(vrf)).is_some_and(|block| block.lines.contains_key(key))
        };
        let imports = self.have.blocks.get(&context(vrf)).into_iter();
        let imports = imports.flat_map(|block| block.of_kind(Kind::Import)).map(|(subject, _)| subject);
        let imports = imports.filter(|from| has(self.want, vrf, &(Kind::Import, (*from).clone())));
        let network = (Kind::Network, prefix.clone());
        let brought = imports.filter_map(|from| match from {
            Subject::Vrf(from) if has(self.have, from, &network) => Some(has(self.want, from, &network)),
            _ => None,
        });
        brought.max().map(|stays| if stays { Hidden::Stays } else { Hidden::Goes })
    }

    /// What stays of a running router's block: nothing of one that is taken away.
    pub fn kept(&self, vrf: &Vrf, context: &Context) -> Option<&'s Block<'s>> {
        let routed = self.have.blocks.contains_key(&Context::Router(vrf.clone())) && !self.gone.contains(vrf);
        self.have.blocks.get(context).filter(|_| routed)
    }
}

/// What becomes of a prefix that an import brings and that one of the router's own hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is taken away from where it comes from.
    Goes,
    /// It stays, and comes to light.
    Stays,
}

/// The keys in which two blocks differ, in the order of the keys.
///
/// `ended` names subjects whose running statements are gone when the lines are given.
pub fn changes<'s>(
    have: Option<&'s Block<'s>>,
    want: Option<&'s Block<'s>>,
    ended: impl Fn(&Subject) -> bool,
) -> Vec<Change<'s>> {
    let mut have = have.into_iter().flat_map(|block| &block.lines).filter(|((_, s), _)| !ended(s)).peekable();
    let mut want = want.into_iter().flat_map(|block| &block.lines).peekable();
    let mut changes = Vec::new();
    loop {
        let order = match (have.peek(), want.peek()) {
            (None, None) => return changes,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let old = if order.is_le() { have.next() } else { None };
        let new = if order.is_ge() { want.next() } else { None };
        if old.map(|(_, value)| &value.text) != new.map(|(_, value)| &value.text)
            && let Some((key, _)) = old.or(new)
        {
            changes.push(Change {
                key,
                have: old.map(|(_, value)| value),
                want: new.map(|(_, value)| value),
            });
        }
    }
}

/// Defaults of zebra, BFD profiles and the VRFs of L3VNIs.
pub fn top(ops: &mut Ops, sides: &Sides<'_>) {
    let running = sides.have.blocks.get(&Context::Top);
    for family in [Family::V4, Family::V6] {
        let key = (Kind::Nht, Subject::Family(family));
        if running.and_then(|block| block.lines.get(&key)).is_none_or(|value| value.text != "on") {
            ops.top(Phase::Define, text::set(&key, "on"), Origins::new(), Effect::None);
        }
    }
    let contexts = sides.have.blocks.keys().chain(sides.want.blocks.keys());
    for context in contexts.collect::<BTreeSet<_>>() {
        match context {
            Context::BfdProfile(name) => profile(ops, sides, context, sides.owned.profile(name)),
            Context::Vrf(name) => vni(ops, sides, context, sides.owned.vrf(name)),
            _ => {}
        }
    }
}

fn profile(ops: &mut Ops, sides: &Sides<'_>, context: &Context, owned: bool) {
    let (have, want) = (sides.have.blocks.get(context), sides.want.blocks.get(context));
    let Some(block) = want else {
        if owned {
            let (line, _) = text::frame(context, "");
            let origins = have.map(Block::all_origins).unwrap_or_default();
            ops.top(Phase::Cleanup, format!("bfd\n no {line}\nexit"), origins, Effect::None);
        }
        return;
    };
    if have.is_none() {
        ops.push(step(Phase::Define, context, None, block.all_origins()));
    }
    for change in changes(have, want, |_| false) {
        ops.push(step(Phase::Define, context, Some(change.line()), change.origins()));
    }
}

fn vni(ops: &mut Ops, sides: &Sides<'_>, context: &Context, owned: bool) {
    for change in changes(sides.have.blocks.get(context), sides.want.blocks.get(context), |_| false) {
        let phase = if change.want.is_some() { Phase::Define } else { Phase::Cleanup };
        if change.want.is_some() || owned {
            ops.push(step(phase, context, Some(change.line()), change.origins()));
        }
    }
}

fn step(phase: Phase, context: &Context, line: Option<String>, origins: Origins) -> Op {
    Op { phase, context: context.clone(), head: String::new(), line, origins, effect: Effect::None }
}
