//! Which prefixes carry which tag, before and after.

use super::apply::{Hidden, Sides};
use super::route_maps;
use crate::statement::{Block, Context, Kind, Statements, Subject, Vrf, text};
use crate::value::{Family, FrrName};
use std::collections::{BTreeMap, BTreeSet};

/// A tag as it is written.
pub type Tag = str;

/// What classes mean, and what moves between them.
#[derive(Default)]
pub struct Tags<'s> {
    /// Tags that some prefix, which stays or goes late, carries now and does not carry afterwards.
    pub left: BTreeSet<&'s Tag>,
    /// Where prefixes keep their tag.
    pub stays: BTreeSet<(&'s Vrf, Family, &'s Tag)>,
    /// Prefixes of changed classes that keep their class: FRR evaluates them only when told so again.
    pub again: Vec<(&'s Context, &'s Subject)>,
}

/// Route-maps that are there on both sides and say something else. Prefixes of such a class are not announced meanwhile.
pub fn changed<'s>(have: &'s Statements<'s>, want: &'s Statements<'s>) -> BTreeSet<&'s FrrName> {
    let (have, want) = (route_maps(have), route_maps(want));
    have.iter().filter(|(n, e)| want.get(*n).is_some_and(|w| !same(e, w))).map(|(n, _)| *n).collect()
}

/// The tag that a class sets.
pub fn tag_of<'s>(entries: &BTreeMap<u16, &'s Block<'s>>) -> Option<&'s Tag> {
    entries.values().find_map(|entry| entry.sole(Kind::SetTag))
}

/// True if two entries say the same.
pub fn alike(a: &Block<'_>, b: &Block<'_>) -> bool {
    let lines = || a.lines.iter().zip(&b.lines).all(|(x, y)| x.0 == y.0 && x.1.text == y.1.text);
    a.head == b.head && a.lines.len() == b.lines.len() && lines()
}

/// True if two route-maps say the same.
pub fn same(a: &BTreeMap<u16, &Block<'_>>, b: &BTreeMap<u16, &Block<'_>>) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.0 == y.0 && alike(x.1, y.1))
}

fn networks<'s>(side: &'s Statements<'s>, context: &Context) -> impl Iterator<Item = (&'s Subject, &'s str)> {
    let block = side.blocks.get(context).into_iter();
    block.flat_map(|block| block.of_kind(Kind::Network)).map(|(subject, value)| (subject, value.as_str()))
}

impl<'s> Tags<'s> {
    pub fn of(sides: &Sides<'s>) -> Self {
        let have = route_maps(sides.have);
        let meaning = |class: &str| {
            let name: FrrName = class.parse().ok()?;
            let tag = have.get(&name).and_then(tag_of)?;
            Some((tag, sides.changed.contains(&name)))
        };
        let (mut left, mut again) = (BTreeSet::new(), Vec::new());
        let alike = |(vrf, family, class): &(&'s Vrf, Family, &FrrName)| {
            Some((*vrf, *family, have.get(class).and_then(tag_of)?))
        };
        let mut stays: BTreeSet<_> = sides.alike.iter().filter_map(alike).collect();
        let mut known: BTreeMap<&str, Option<(&Tag, bool)>> = BTreeMap::new();
        for context in sides.want.blocks.keys() {
            let Context::Family(vrf, family) = context else { continue };
            let (of, Some(family)) = (*family, text::unicast(*family)) else { continue };
            if sides.kept(vrf, context).is_none() {
                continue;
            }
            // Two sorted lists side by side: thousands of prefixes, one step each.
            let mut after = networks(sides.want, context).peekable();
            let mut last = ("", None);
            for (subject, old) in networks(sides.have, context) {
                while after.next_if(|(other, _)| *other < subject).is_some() {}
                let new = after.next_if(|(other, _)| *other == subject).map(|(_, class)| class);
                if new.is_none() && sides.hides(vrf, of, subject) != Some(Hidden::Stays) {
                    continue;
                }
                if last.0 != old {
                    last = (old, *known.entry(old).or_insert_with(|| meaning(old)));
                }
                match last.1 {
                    Some((_, true)) if Some(old) == new => again.push((context, subject)),
                    Some((tag, false)) if Some(old) == new => drop(stays.insert((vrf, family, tag))),
                    Some((tag, false)) => drop(left.insert(tag)),
                    Some((_, true)) | None => {}
                }
            }
        }
        Self { left, stays, again }
    }
}
