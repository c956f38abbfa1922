//! Prefix-lists.

use super::Effect;
use super::apply::Sides;
use super::ops::{Ops, Phase};
use crate::config::Origins;
use crate::statement::{Context, Key, Kind, Statements, Subject, Value, text};
use crate::value::{Family, FrrName};
use std::collections::{BTreeMap, BTreeSet};

type Rules<'s> = BTreeMap<u32, (&'s Key, &'s Value<'s>)>;
type Lists<'s> = BTreeMap<(&'s FrrName, Family), Rules<'s>>;

fn of(value: &Value<'_>) -> Origins {
    value.origins.cloned().unwrap_or_default()
}

fn origins(rules: &Rules<'_>) -> Origins {
    rules.values().filter_map(|(_, value)| value.origins).flatten().cloned().collect()
}

fn gone(name: &FrrName, family: Family) -> String {
    format!("no {} prefix-list {name}", family.keyword())
}

fn lists<'s>(side: &'s Statements<'s>) -> Lists<'s> {
    let mut lists = Lists::new();
    for (key, value) in side.blocks.get(&Context::Top).into_iter().flat_map(|block| &block.lines) {
        if let (Kind::PrefixRule, Subject::Rule(family, name, seq)) = key {
            lists.entry((name, *family)).or_default().insert(*seq, (key, value));
        }
    }
    lists
}

/// Rules are overwritten by their number; a list goes when nothing names it any more.
pub fn diff(ops: &mut Ops, sides: &Sides<'_>) {
    let (have, want) = (lists(sides.have), lists(sides.want));
    let empty = Rules::new();
    for (name, family) in have.keys().chain(want.keys()).collect::<BTreeSet<_>>() {
        let before = have.get(&(name, *family)).unwrap_or(&empty);
        match want.get(&(name, *family)) {
            Some(after)
                if sides.version.is_some_and(|version| version < NO_TWINS) && twins(before, after) =>
            {
                apart(ops, before, after);
            }
            Some(after) => one(ops, (name, *family), before, after),
            None if sides.owned.list(name, *family) => {
                // It goes when nothing names it any more; but before something new can name it.
                let named = |side| is_used(side, name, *family);
                let late = named(sides.have) && !named(sides.want);
                let phase = if late { Phase::Cleanup } else { Phase::Define };
                ops.top(phase, gone(name, *family), origins(before), Effect::None);
            }
            None => {}
        }
    }
}

/// True if a route-map entry names the list.
fn is_used(side: &Statements<'_>, name: &FrrName, family: Family) -> bool {
    let key = (Kind::MatchPrefixList, Subject::Family(family));
    side.blocks.values().any(|block| block.lines.get(&key).is_some_and(|value| value.text == name.as_str()))
}

/// Names of lists that the plan changes.
pub fn changed<'s>(sides: &'s Sides<'s>) -> BTreeSet<(&'s FrrName, Family)> {
    let (have, want) = (lists(sides.have), lists(sides.want));
    let same = |key: &(&FrrName, Family), after: &Rules<'_>| {
        have.get(key).is_some_and(|before| {
            before.len() == after.len()
                && before.iter().zip(after).all(|(a, b)| a.0 == b.0 && a.1.1.text == b.1.1.text)
        })
    };
    want.iter().filter(|(key, after)| !same(key, after)).map(|(key, _)| *key).collect()
}

/// True if a rule refuses some prefixes only: then the order of the rules matters at every moment.
fn refuses_some(rules: &Rules<'_>) -> bool {
    rules.values().any(|(_, value)| value.text.starts_with("deny ") && value.text != "deny any")
}

/// True if some list gets a rule that it has under another number: before FRR 10 that needs an order of its own.
pub fn has_twins(sides: &Sides<'_>) -> bool {
    let (have, want) = (lists(sides.have), lists(sides.want));
    want.iter().any(|(name, after)| have.get(name).is_some_and(|before| twins(before, after)))
}

fn twins(before: &Rules<'_>, after: &Rules<'_>) -> bool {
    let runs = |rule: &&Value<'_>| before.values().any(|(_, old)| old.text == rule.text);
    let changed =
        after.iter().filter(|(seq, rule)| before.get(seq).is_none_or(|old| old.1.text != rule.1.text));
    changed.map(|(_, rule)| rule.1).any(|rule| runs(&rule))
}

/// Before this version (10.3 does, 8.4 does not) a list takes no rule that it has under another number.
const NO_TWINS: (u16, u16) = (10, 0);

/// All that changes goes before anything new comes.
fn apart(ops: &mut Ops, before: &Rules<'_>, after: &Rules<'_>) {
    for (seq, (key, value)) in before {
        if after.get(seq).is_none_or(|rule| rule.1.text != value.text) {
            ops.top(Phase::Define, text::undo(key, &value.text), of(value), Effect::Soft);
        }
    }
    for (seq, (key, value)) in after {
        if before.get(seq).is_none_or(|rule| rule.1.text != value.text) {
            ops.top(Phase::Define, text::set(key, &value.text), of(value), Effect::Soft);
        }
    }
}

fn one(ops: &mut Ops, (name, family): (&FrrName, Family), before: &Rules<'_>, after: &Rules<'_>) {
    let set = |ops: &mut Ops, (key, value): &(&Key, &Value<'_>)| {
        ops.top(Phase::Define, text::set(key, &value.text), of(value), Effect::Soft);
    };
    let differs =
        |seq: &u32| before.get(seq).map(|rule| &rule.1.text) != after.get(seq).map(|rule| &rule.1.text);
    let changed: Vec<u32> = before
        .keys()
        .chain(after.keys())
        .copied()
        .filter(differs)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if changed.is_empty() {
        return;
    }
    if !before.is_empty() && (refuses_some(before) || refuses_some(after)) {
        // A route-map entry with a list that is not there matches nothing; filled from the front,
        // the list never lets through more than it does in the end.
        ops.top(Phase::Define, gone(name, family), origins(before), Effect::Soft);
        for rule in after.values() {
            set(ops, rule);
        }
        return;
    }
    // Where the list grows, what moves back is written there before its old place is overwritten.
    let mut order = changed;
    if after.len() > before.len() {
        order.reverse();
    }
    for seq in &order {
        if let Some(rule) = after.get(seq) {
            set(ops, rule);
        }
    }
    for seq in order.iter().filter(|seq| !after.contains_key(seq)) {
        if let Some((key, value)) = before.get(seq) {
            ops.top(Phase::Define, text::undo(key, &value.text), of(value), Effect::Soft);
        }
    }
}
