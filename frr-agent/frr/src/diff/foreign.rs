//! Hand-written configuration, and lines that the model cannot say.

use super::apply::Sides;
use super::ops::{Op, Ops, Phase};
use super::owned::Owned;
use super::{Effect, Ownership};
use crate::config::{FrrConfig, Origins, RawSnippet};
use crate::running::{self, Foreign, Running};
use crate::statement::{Context, Kind, Statements};
use std::collections::BTreeSet;

/// The wanted hand-written configuration, read as FRR would read it.
pub struct Raw<'w> {
    snippets: Vec<(&'w RawSnippet, Running)>,
}

impl<'w> Raw<'w> {
    pub fn read(wanted: &'w FrrConfig) -> Self {
        Self {
            snippets: wanted
                .raw
                .iter()
                .map(|snippet| (snippet, running::parse(snippet.text.as_str())))
                .collect(),
        }
    }

    /// Adds what the model can say of it: it comes last, so it overrides.
    pub fn add_to(&self, want: &mut Statements<'w>) {
        for (snippet, read) in &self.snippets {
            for (context, block) in &read.statements.blocks {
                let known = want.blocks.contains_key(context);
                let into = want.block(context.clone());
                if !known || matches!(context, Context::RouteMap(..)) {
                    into.head.clone_from(&block.head);
                }
                into.origins = into.origins.or(Some(&snippet.origins));
                for (key, value) in &block.lines {
                    into.put(key.0, key.1.clone(), value.text.clone(), Some(&snippet.origins));
                }
            }
        }
    }

    /// True if the words hold prefixes of the router's own.
    pub fn names_networks(&self) -> bool {
        let mut blocks = self.snippets.iter().flat_map(|(_, read)| read.statements.blocks.values());
        blocks.any(|block| block.of_kind(Kind::Network).next().is_some())
    }

    /// Gives again what FRR drops with a session or router that the plan makes anew.
    pub fn again(&self, ops: &mut Ops, sides: &Sides<'_>) {
        let dropped = |line: &Foreign| match &line.context {
            Context::Router(vrf) | Context::Family(vrf, _) | Context::Vni(vrf, _) => {
                let ended =
                    |id: &str| sides.ended.iter().any(|s| s.vrf == *vrf && s.neighbor.to_string() == id);
                let mut words = line.text.split_whitespace();
                let of_session = words.next() == Some("neighbor") && words.next().is_some_and(ended);
                let router = sides.want.blocks.contains_key(&Context::Router(vrf.clone()));
                router && (sides.gone.contains(vrf) || of_session)
            }
            _ => false,
        };
        for (snippet, _) in self.snippets.iter().filter(|(_, read)| read.foreign.iter().any(dropped)) {
            if !ops.gives(snippet.text.as_str()) {
                ops.top(Phase::Raw, snippet.text.as_str().to_owned(), snippet.origins.clone(), Effect::None);
            }
        }
    }

    /// The `bgp route-map delay-timer` that they ask for.
    pub fn map_delay(&self) -> Option<u16> {
        running::map_delay(self.lines())
    }

    fn lines(&self) -> impl Iterator<Item = &Foreign> {
        self.snippets.iter().flat_map(|(_, read)| &read.foreign)
    }
}

/// The lines of the hand-written parts that the model cannot say, each with the block that it stands in.
#[must_use]
pub fn hand_written(config: &FrrConfig) -> BTreeSet<Foreign> {
    Raw::read(config).lines().cloned().collect()
}

/// Takes back what is no longer wanted, and gives what is new or was taken away by hand.
///
/// FRR may write a hand-written line in another way. As long as one of them is not found as it was
/// written, no line outside the model is taken for a stranger's.
pub fn diff(
    ops: &mut Ops,
    running: &Running,
    wanted: &FrrConfig,
    raw: &Raw<'_>,
    owned: &Owned,
    ownership: &Ownership<'_>,
) {
    let runs: BTreeSet<&Foreign> = running.foreign.iter().collect();
    let wants: BTreeSet<&Foreign> = raw.lines().collect();
    let applied = ownership.applied.map(|config| config.raw.as_slice()).unwrap_or_default();
    let in_force = |snippet: &RawSnippet| applied.iter().any(|old| old.text == snippet.text);
    for old in applied.iter().rev().filter(|old| !wanted.raw.iter().any(|new| new.text == old.text)) {
        let gone = running::parse(old.text.as_str()).foreign;
        let unwanted = gone.iter().rev().filter(|line| !wants.contains(line));
        unwanted.for_each(|line| undo(ops, running, line, &old.origins));
    }
    let given = ownership.given.iter().flat_map(|config| &config.raw);
    for old in given.rev().filter(|old| !wanted.raw.iter().chain(applied).any(|new| new.text == old.text)) {
        let gone = running::parse(old.text.as_str()).foreign;
        let unwanted = gone.iter().rev().filter(|line| runs.contains(line) && !wants.contains(line));
        unwanted.for_each(|line| undo(ops, running, line, &old.origins));
    }
    for (snippet, read) in &raw.snippets {
        if read.foreign.iter().any(|line| !runs.contains(line)) && !in_force(snippet) {
            ops.top(Phase::Raw, snippet.text.as_str().to_owned(), snippet.origins.clone(), Effect::None);
        } else if let Some(seen) = ownership.seen {
            let lost = read.foreign.iter().filter(|line| seen.contains(line) && !runs.contains(line));
            give_back(ops, snippet, read, &lost.collect::<Vec<_>>());
        }
    }
    if wants.iter().all(|line| runs.contains(line)) {
        let ours = |line: &&Foreign| {
            let base = |text: &str| ownership.base.contains(text);
            owned.foreign(line, running) && !wants.contains(line) && !base(&line.text)
        };
        let undone = |line: &&Foreign| {
            applied.iter().any(|old| running::parse(old.text.as_str()).foreign.contains(line))
        };
        running
            .foreign
            .iter()
            .rev()
            .filter(ours)
            .filter(|line| !undone(line))
            .for_each(|line| undo(ops, running, line, &Origins::new()));
    }
}

/// Gives lines again, each in the block where it stands. Those of a block that is not in the model cannot be given
/// alone: then it is the whole text.
fn give_back(ops: &mut Ops, snippet: &RawSnippet, read: &Running, lost: &[&Foreign]) {
    if lost.iter().any(|line| line.depth > 0) {
        ops.top(Phase::Raw, snippet.text.as_str().to_owned(), snippet.origins.clone(), Effect::None);
        return;
    }
    for line in lost {
        let (context, origins) = (line.context.clone(), snippet.origins.clone());
        let (head, line) = (head(read, &context), Some(line.text.clone()));
        ops.push(Op { phase: Phase::Raw, context, head, line, origins, effect: Effect::None });
    }
}

/// What the first line of a line's block says beside its name.
fn head(running: &Running, context: &Context) -> String {
    let block = match context {
        Context::Router(vrf) | Context::Family(vrf, _) | Context::Vni(vrf, _) => Context::Router(vrf.clone()),
        other => other.clone(),
    };
    running.statements.blocks.get(&block).map(|block| block.head.clone()).unwrap_or_default()
}

/// `no LINE`, or the line that a `no` took back, in the block where it stands.
fn undo(ops: &mut Ops, running: &Running, line: &Foreign, origins: &Origins) {
    let negated =
        line.text.strip_prefix("no ").map_or_else(|| format!("no {}", line.text), ToOwned::to_owned);
    // Lines of a block that is not in the model go with that block.
    if line.depth > 0 {
        return;
    }
    let (context, origins) = (line.context.clone(), origins.clone());
    let head = head(running, &context);
    ops.push(Op { phase: Phase::RawGone, context, head, line: Some(negated), origins, effect: Effect::Soft });
}
