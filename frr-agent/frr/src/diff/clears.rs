//! Which sessions FRR is to look at again at once.
//!
//! A changed route-map is used by itself after 5 seconds; a soft clear makes it 100 ms, and sends
//! every route of that session and family again: so only where a route that stays is concerned.

use super::apply::Sides;
use super::lists;
use super::tags::{Tags, alike};
use super::{Direction, Session, SoftClear, route_maps};
use crate::statement::{Block, Context, Kind, Subject, Vrf, text};
use crate::value::{Family, FrrName};
use std::collections::{BTreeMap, BTreeSet};

type Entries<'s> = BTreeMap<u16, &'s Block<'s>>;

/// The soft clears that a plan needs.
pub fn of<'s>(sides: &'s Sides<'s>, tags: &Tags<'s>) -> BTreeSet<SoftClear> {
    let (have, want) = (route_maps(sides.have), route_maps(sides.want));
    let lists = lists::changed(sides);
    let mut clears = BTreeSet::new();
    for (context, after) in &sides.want.blocks {
        let Context::Family(vrf, family) = context else { continue };
        let (Some(family), Some(before)) = (text::unicast(*family), sides.kept(vrf, context)) else {
            continue;
        };
        let imports = after.of_kind(Kind::Import).next().is_some();
        let received = after.of_kind(Kind::MapIn).map(|map| (Kind::MapIn, Direction::In, map));
        let sent = after.of_kind(Kind::MapOut).map(|map| (Kind::MapOut, Direction::Out, map));
        for (kind, direction, (subject, map)) in received.chain(sent) {
            let Subject::Neighbor(neighbor) = subject else { continue };
            let session = Session { vrf: vrf.clone(), neighbor: neighbor.clone() };
            let bound = before.lines.get(&(kind, subject.clone())).is_some_and(|old| old.text == map.text);
            let active = before.lines.contains_key(&(Kind::Activate, subject.clone()));
            let Ok(name) = map.text.parse::<FrrName>() else { continue };
            // Another map takes effect at once by itself, and so does a session that starts anew.
            if !bound || !active || sides.resets.contains(&session) || sides.ended.contains(&session) {
                continue;
            }
            let empty = Entries::new();
            let (old, new) = (have.get(&name).unwrap_or(&empty), want.get(&name).unwrap_or(&empty));
            let concerned = |block: &&Block<'_>| concerns(block, vrf, family, direction, imports, tags);
            if changed(old, new, &lists).iter().any(concerned) {
                clears.insert(SoftClear { session, family, direction });
            }
        }
    }
    clears
}

/// Entries that only one side has, whatever their numbers, and those whose list changes.
fn changed<'b>(
    old: &Entries<'b>,
    new: &Entries<'b>,
    lists: &BTreeSet<(&FrrName, Family)>,
) -> Vec<&'b Block<'b>> {
    let only = |these: &Entries<'b>, those: &Entries<'b>| {
        let absent = |block: &&&'b Block<'b>| !those.values().any(|other| alike(block, other));
        these.values().filter(absent).copied().collect::<Vec<_>>()
    };
    let lists_change = |block: &&&Block<'b>| {
        block.lines.iter().any(|((kind, subject), value)| {
            let Subject::Family(family) = subject else { return false };
            *kind == Kind::MatchPrefixList
                && lists.iter().any(|(name, of)| of == family && name.as_str() == value.text)
        })
    };
    let mut all = only(old, new);
    all.extend(only(new, old));
    all.extend(new.values().filter(lists_change));
    all
}

/// True if a route of the family may stand to this entry as it did to its other form.
fn concerns(
    block: &Block<'_>,
    vrf: &Vrf,
    family: Family,
    direction: Direction,
    imports: bool,
    tags: &Tags<'_>,
) -> bool {
    if let Some(tag) = block.sole(Kind::MatchTag).filter(|_| direction == Direction::Out && !imports) {
        return tags.stays.contains(&(vrf, family, tag));
    }
    let other = match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    };
    !block.lines.contains_key(&(Kind::MatchPrefixList, Subject::Family(other)))
}
