//! The text of a configuration, brought to another one that differs in prefixes, without making the rest of it anew.

use crate::config::FrrConfig;
use crate::diff::{self, Expected, PrefixChange};
use crate::statement::Vrf;
use crate::value::Family;
use memchr::memmem;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// With more changed prefixes than this, making the text anew costs no more: each is searched for.
const MANY: usize = 64;

/// A text in pieces, in order.
pub type Pieces<'a> = Vec<Cow<'a, str>>;

/// Makes the text of `before` that of `after`, where the two differ in prefixes alone.
///
/// The text is [`render`](crate::render::render)ed, or the [`script`](crate::diff::ChangePlan::script) that brings all of
/// `before` to an empty FRR; what it says is then what `after` says, though lines may stand in another order. `None` where
/// more than a few prefixes differ, or where the text is not as expected.
#[must_use]
pub fn networks<'a>(text: &'a str, before: &FrrConfig, after: &FrrConfig) -> Option<Pieces<'a>> {
    let plan = diff::edit(before, after, None)?;
    if plan.is_empty() {
        return Some(vec![text.into()]);
    }
    let changes = plan.prefixes().filter(|changes| changes.len() <= MANY)?;
    let mut families: BTreeMap<(&Vrf, Family), Range<usize>> = BTreeMap::new();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for PrefixChange { vrf, prefix, expected } in changes {
        let family = Family::of(prefix.addr());
        let key = (vrf, family);
        let lines = match families.get(&key) {
            Some(known) => known.clone(),
            None => families.entry(key).or_insert(networks_of(text, vrf, family)?).clone(),
        };
        let start = format!("  network {prefix}");
        if before.routers.get(vrf).is_some_and(|router| router.networks.contains_key(prefix)) {
            edits.push((line(text, &lines, &start)?, String::new()));
        }
        if let Expected::Present { class, .. } = expected {
            let class = class.as_ref().map(|class| format!(" route-map {class}")).unwrap_or_default();
            edits.push((lines.start..lines.start, format!("{start}{class}\n")));
        }
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut pieces = Vec::with_capacity(edits.len() * 2 + 1);
    let mut from = 0;
    for (range, new) in edits {
        pieces.push(text.get(from..range.start)?.into());
        pieces.push(new.into());
        from = range.end;
    }
    pieces.push(text.get(from..)?.into());
    Some(pieces)
}

/// From the first `network` line of a router's family to the end of the family.
fn networks_of(text: &str, vrf: &Vrf, family: Family) -> Option<Range<usize>> {
    let header = format!("\n address-family {family} unicast\n");
    let mut blocks = routers(text, vrf).flat_map(|router| {
        let starts: Vec<usize> =
            memmem::find_iter(text[router.clone()].as_bytes(), header.as_bytes()).collect();
        let length = header.len();
        starts.into_iter().map(move |start| router.start + start + length..router.end)
    });
    blocks.find_map(|block| {
        // From the line's end before, so that each line starts with one.
        let inside = &text[block.start - 1..block.end];
        let end = memmem::find(inside.as_bytes(), b"\n exit-address-family")?;
        let first = memmem::find(&inside.as_bytes()[..end], b"\n  network ")?;
        Some(block.start + first..block.start + end)
    })
}

/// The blocks of a VRF's router.
fn routers<'a>(text: &'a str, vrf: &'a Vrf) -> impl Iterator<Item = Range<usize>> + 'a {
    let starts = memmem::find_iter(text.as_bytes(), b"router bgp ");
    let starts = starts.filter(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'));
    starts.filter_map(move |start| {
        let header = text[start..].lines().next()?;
        let of_vrf = match vrf {
            Some(vrf) => header.ends_with(&format!(" vrf {vrf}")),
            None => !header.contains(" vrf "),
        };
        let end = memmem::find(&text.as_bytes()[start..], b"\nexit\n").map_or(text.len(), |end| start + end);
        of_vrf.then_some(start..end)
    })
}

/// The line with this start, its end included.
fn line(text: &str, lines: &Range<usize>, start: &str) -> Option<Range<usize>> {
    let bytes = text.get(lines.clone())?.as_bytes();
    let mut found = memmem::find_iter(bytes, start.as_bytes());
    let at = found.find(|at| {
        let ends = bytes.get(at + start.len()).is_none_or(|next| matches!(next, b' ' | b'\n'));
        ends && (*at == 0 || bytes.get(at - 1) == Some(&b'\n'))
    })?;
    let end = memchr::memchr(b'\n', bytes.get(at..)?)?;
    Some(lines.start + at..lines.start + at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;
    use crate::config::{Network, Origins};
    use crate::diff::Ownership;
    use crate::render::{RenderOptions, Secrets, render};
    use crate::running;
    use ipnet::IpNet;
    use proptest::prelude::*;

    /// Both texts that are kept: rendered, and in the order of a cold load.
    fn texts(config: &FrrConfig) -> [String; 2] {
        let options = RenderOptions { secrets: Secrets::Show, annotate: false };
        let load = diff::plan(&running::parse(""), config, &Ownership::shipped(""));
        [render(config, &options), load.script()]
    }

    /// Brings both texts of `before` to `after`, and holds them against what is made from nothing; false where that
    /// cannot be done.
    fn agrees(before: &FrrConfig, after: &FrrConfig) -> bool {
        texts(before).iter().zip(&texts(after)).all(|(known, whole)| {
            let Some(pieces) = networks(known, before, after) else { return false };
            let text = pieces.concat();
            assert_eq!(running::parse(&text).config, running::parse(whole).config, "{text}");
            true
        })
    }

    proptest! {
        #[test]
        fn a_patched_text_says_what_one_made_from_nothing_says(
            before in arbitrary::config(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..6_u8, 0..3_u8), 0..5),
        ) {
            let before = FrrConfig { raw: Vec::new(), ..before };
            let mut after = before.clone();
            for (router, at, number, what) in edits {
                prop_assume!(!after.routers.is_empty());
                let router = router.index(after.routers.len());
                let Some(router) = after.routers.values_mut().nth(router) else { continue };
                let known: Vec<IpNet> = router.networks.keys().copied().collect();
                let classes: Vec<_> = router.networks.values().map(|network| network.class.clone()).collect();
                match what {
                    0 if !known.is_empty() => drop(router.networks.remove(&known[at.index(known.len())])),
                    _ => {
                        let new: IpNet = format!("198.51.100.{number}/32").parse().unwrap();
                        let class = (!classes.is_empty()).then(|| classes[at.index(classes.len())].clone());
                        let network = Network { class: class.flatten(), origins: Origins::new() };
                        router.networks.insert(new, network);
                    }
                }
            }
            agrees(&before, &after);
        }
    }

    #[test]
    fn prefixes_are_put_in_and_taken_out_where_they_stand() {
        let text = |networks: &str| {
            format!(
                "route-map adv-gold permit 1\n set tag 2147483650\nexit\n!\nrouter bgp 64500\n neighbor 192.0.2.9 remote-as 1\n !\n \
                 address-family ipv4 unicast\n{networks}  neighbor 192.0.2.9 activate\n exit-address-family\nexit\n"
            )
        };
        let networks_of = |prefixes: &[u8]| -> String {
            let line = |n: &u8| format!("  network 10.0.0.{n}/32 route-map adv-gold\n");
            prefixes.iter().map(line).collect::<Vec<_>>().concat()
        };
        for (from, to) in
            [(&[1, 11][..], &[1, 11, 12][..]), (&[1, 11], &[11]), (&[1, 11], &[1]), (&[1], &[2])]
        {
            let (from, to) = (text(&networks_of(from)), text(&networks_of(to)));
            let config = |text: &str| running::parse(text).config;
            assert!(agrees(&config(&from), &config(&to)));
        }
        let (none, one) =
            (running::parse(&text("")).config, running::parse(&text(&networks_of(&[1]))).config);
        assert_eq!(networks(&text(""), &none, &one), None, "there is no line to put it by");
        assert_eq!(networks("", &one, &none), None, "another text");
    }
}
