//! Route-maps: classes and the policies of sessions.
//!
//! An entry without `match` takes every route, so one that is made or gets another `match` says
//! `deny` until it is complete.

use super::apply::{Sides, changes};
use super::ops::{Op, Ops, Phase};
use super::tags::{Tags, alike, same};
use super::{Effect, PrefixChange};
use super::{lists, route_maps};
use crate::statement::{Block, Context, Kind, Statements, Subject, text};
use crate::value::{Family, FrrName};
use std::collections::{BTreeMap, BTreeSet};

type Lists<'s> = BTreeSet<(&'s FrrName, Family)>;
type Entries<'s> = BTreeMap<u16, &'s Block<'s>>;

/// The route-maps that running sessions or prefixes name.
fn used<'s>(statements: &'s Statements<'s>, kind: Kind) -> BTreeSet<&'s str> {
    let mut names = BTreeSet::new();
    for (_, block) in statements.blocks.iter().filter(|(context, _)| matches!(context, Context::Family(..))) {
        let mut last = "";
        for (_, value) in block.of_kind(kind).filter(|(_, value)| !value.text.is_empty()) {
            // Thousands of prefixes have few classes.
            if value.text != last {
                last = value.as_str();
                names.insert(last);
            }
        }
    }
    names
}

/// Makes, changes and removes route-maps.
pub fn diff<'s>(ops: &mut Ops, sides: &'s Sides<'s>, tags: &Tags<'s>) {
    let (have, want) = (route_maps(sides.have), route_maps(sides.want));
    let lists = lists::changed(sides);
    let classes = used(sides.have, Kind::Network);
    let sent = used(sides.have, Kind::MapOut);
    let received = used(sides.have, Kind::MapIn);
    for (name, after) in &want {
        let empty = Entries::new();
        let before = have.get(*name).unwrap_or(&empty);
        if same(before, after) {
            continue;
        }
        let mut map = Map { ops, name, before, after };
        if classes.contains(name.as_str()) {
            map.class();
        } else if sent.contains(name.as_str()) {
            map.policy(&tags.left, &lists);
        } else if received.contains(name.as_str()) {
            map.policy(&BTreeSet::new(), &lists);
        } else {
            map.unused();
        }
    }
    for name in have.keys().filter(|name| !want.contains_key(*name) && sides.owned.map(name)) {
        let origins = have[*name].values().flat_map(|entry| entry.each_origin()).cloned().collect();
        ops.top(Phase::Cleanup, format!("no route-map {name}"), origins, Effect::None);
    }
    for (context, subject) in &tags.again {
        again(ops, sides, context, subject);
    }
}

/// A `network` line as it is: FRR evaluates the prefix with what its class has become.
fn again(ops: &mut Ops, sides: &Sides<'_>, context: &Context, subject: &Subject) {
    let Context::Family(vrf, _) = context else { return };
    let key = (Kind::Network, subject.clone());
    let router = sides.want.blocks.get(&Context::Router(vrf.clone()));
    let value = sides.want.blocks.get(context).and_then(|block| block.lines.get(&key));
    if let (Some(router), Some(value)) = (router, value) {
        // Nothing changes but the class.
        let class = value.text.parse::<FrrName>().ok().and_then(|name| {
            Some(
                route_maps(sides.want)
                    .get(&name)?
                    .values()
                    .flat_map(|entry| entry.each_origin())
                    .cloned()
                    .collect(),
            )
        });
        if let Subject::Prefix(prefix) = subject {
            ops.prefixes.push(PrefixChange::new(vrf, *prefix, Some(value.as_str())));
        }
        ops.push(Op {
            phase: Phase::Moves,
            context: context.clone(),
            head: router.head.clone(),
            line: Some(text::set(&key, &value.text)),
            origins: class.unwrap_or_default(),
            effect: Effect::None,
        });
    }
}

struct Map<'o, 's> {
    ops: &'o mut Ops,
    name: &'o FrrName,
    before: &'o Entries<'s>,
    after: &'o Entries<'s>,
}

impl Map<'_, '_> {
    /// The first line of an entry with an action; it also sets the action.
    fn head(&mut self, phase: Phase, seq: u16, action: &str, block: &Block<'_>) {
        let context = Context::RouteMap(self.name.clone(), seq);
        self.ops.push(Op {
            phase,
            context,
            head: action.to_owned(),
            line: None,
            origins: block.all_origins(),
            effect: Effect::Soft,
        });
    }

    fn lines(&mut self, phase: Phase, seq: u16, action: &str, before: Option<&Block<'_>>, after: &Block<'_>) {
        for change in changes(before, Some(after), |_| false) {
            self.ops.push(Op {
                phase,
                context: Context::RouteMap(self.name.clone(), seq),
                head: action.to_owned(),
                line: Some(change.line()),
                origins: change.origins(),
                effect: Effect::Soft,
            });
        }
    }

    fn remove(&mut self, phase: Phase, seq: u16, block: &Block<'_>) {
        let line = text::remove(&Context::RouteMap(self.name.clone(), seq), block);
        self.ops.top(phase, line, block.all_origins(), Effect::Soft);
    }

    /// Nothing looks at it while it is written.
    fn unused(&mut self) {
        let gone = |seq: &&u16| !self.after.contains_key(*seq);
        for seq in self.before.keys().filter(gone).copied().collect::<Vec<_>>() {
            self.remove(Phase::Classes, seq, self.before[&seq]);
        }
        for (seq, block) in self.after {
            let before = self.before.get(seq).copied();
            if before.is_some_and(|before| alike(before, block)) {
                continue;
            }
            self.head(Phase::Classes, *seq, &block.head, block);
            self.lines(Phase::Classes, *seq, &block.head, before, block);
        }
    }

    /// A class that prefixes have: they are not announced while their neighbors' maps change.
    fn class(&mut self) {
        for (seq, block) in self.before {
            if block.head != "deny" {
                self.head(Phase::Classes, *seq, "deny", block);
            }
        }
        for (seq, block) in self.before.iter().filter(|(seq, _)| !self.after.contains_key(seq)) {
            self.remove(Phase::Redefine, *seq, block);
        }
        for (seq, block) in self.after {
            self.guarded(Phase::Redefine, *seq, self.before.get(seq).copied(), block, Some(Phase::Redefine));
        }
    }

    /// The map of a session. Entries for tags that prefixes are about to leave come when these have moved.
    fn policy(&mut self, left: &BTreeSet<&str>, lists: &Lists<'_>) {
        let tag = |block: &Block<'_>| block.sole(Kind::MatchTag).map(ToOwned::to_owned);
        let permitted: BTreeSet<_> =
            self.before.values().filter(|b| b.head == "permit").map(|b| tag(b)).collect();
        let waits = |block: &Block<'_>| {
            tag(block).is_some_and(|tag| left.contains(tag.as_str()) && !permitted.contains(&Some(tag)))
        };
        self.close_stale(lists);
        let closed = self.refusal_changes();
        if closed {
            for (seq, block) in self.before.iter().filter(|(_, block)| block.head == "permit") {
                self.head(Phase::Maps, *seq, "deny", block);
            }
        }
        for (seq, block) in self.before {
            if self.after.get(seq).is_none_or(|after| waits(after) && !alike(block, after)) {
                self.remove(Phase::Maps, *seq, block);
            }
        }
        for (seq, block) in self.after {
            let before = self.before.get(seq).copied();
            if before.is_some_and(|before| alike(before, block)) {
                if closed && block.head == "permit" {
                    self.head(Phase::Late, *seq, "permit", block);
                }
            } else if waits(block) {
                self.guarded(Phase::Late, *seq, None, block, None);
            } else {
                self.guarded(Phase::Maps, *seq, before, block, closed.then_some(Phase::Late));
            }
        }
    }

    /// Closes entries that let through by a list that is about to say something else, and that will
    /// not name it afterwards.
    fn close_stale(&mut self, lists: &Lists<'_>) {
        for (seq, block) in self.before.iter().filter(|(_, block)| block.head == "permit") {
            let stays = self.after.get(seq).is_some_and(|after| matches(after).eq(matches(block)));
            let stale = matches(block).any(|(subject, name)| {
                let of = |family: &Family| *subject == Subject::Family(*family);
                lists.iter().any(|(list, family)| of(family) && list.as_str() == name)
            });
            if stale && !stays {
                self.head(Phase::Withdraw, *seq, "deny", block);
            }
        }
    }

    /// True if an entry that refuses routes changes or goes while one behind it lets routes through.
    fn refusal_changes(&self) -> bool {
        let last = self.before.iter().rfind(|(_, block)| block.head == "permit").map(|(seq, _)| *seq);
        self.before.iter().any(|(seq, block)| {
            let stays = self.after.get(seq).is_some_and(|after| alike(block, after));
            block.head == "deny" && !stays && last.is_some_and(|last| last > *seq)
        })
    }

    /// Brings one entry to its new form; `closed` says that it already says `deny`, and until when.
    fn guarded(
        &mut self,
        phase: Phase,
        seq: u16,
        before: Option<&Block<'_>>,
        after: &Block<'_>,
        closed: Option<Phase>,
    ) {
        let same_routes =
            before.is_some_and(|before| before.head == after.head && matches(before).eq(matches(after)));
        if same_routes && closed.is_none() {
            self.lines(phase, seq, &after.head, before, after);
            return;
        }
        self.head(phase, seq, "deny", after);
        self.lines(phase, seq, "deny", before, after);
        if after.head == "permit" {
            // All of a map's refusals stand before it lets anything through again.
            self.head(closed.unwrap_or(phase), seq, "permit", after);
        }
    }
}

/// What must hold for an entry: each `match` with its value.
fn matches<'b>(block: &'b Block<'_>) -> impl Iterator<Item = (&'b Subject, &'b str)> {
    let lines =
        block.lines.iter().filter(|((kind, _), _)| matches!(kind, Kind::MatchTag | Kind::MatchPrefixList));
    lines.map(|((_, subject), value)| (subject, value.as_str()))
}
