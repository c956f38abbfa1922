//! The plan for an edit of one object names only what that edit concerns, for random manifests.
//!
//! A plan is read line by line, each with the objects that it comes from. Every line names
//!
//! 1. the edited object, or
//! 2. an object that its edit concerns, by what the manifests say of it before or after:
//!    - of a Service: Services with an address in the same prefix that is announced;
//!    - of an `IPAddressPool`: Services with an address of it, and BGPAdvertisements that are for it, which may conflict there
//!      and nowhere else, with what an edit of these concerns;
//!    - of a `BGPAdvertisement`: Services with an address of a pool that it is for; and the same of BGPAdvertisements that
//!      share a pool with it, with which it may conflict;
//!    - of a `BGPPeer`: BGPAdvertisements that reach it, Services that these are for, FRRConfigurations of its session, with
//!      which it may conflict, and whoever else announces a prefix that these name;
//!    - of an `FRRConfiguration`: BGPPeers and FRRConfigurations of a session that it names, whoever announces a prefix that
//!      it names, and where it is the only one that makes sessions everything that they are sent;
//!    - of a `Community`: BGPAdvertisements that use its alias; of a `BFDProfile`: BGPPeers that use it; or
//! 3. it is of a class that comes or goes with prefixes of those Services, or only gives an entry of a neighbor's `out` map
//!    another number, behind a class that the neighbor is now sent or is no longer sent; or
//! 4. it makes or takes away the list `nothing`, which is nobody's: it is there while any session is sent nothing.

mod folder;

use folder::{Folder, Object, folder_and_edit};
use herald_core::model::InForce;
use herald_core::plan::{self, Endpoints, Incremental};
use herald_frr::config::{FrrConfig, RouteMapEntry};
use herald_frr::diff::{self, ChangePlan, Ownership};
use herald_frr::render::{RenderOptions, Secrets, render};
use herald_frr::running;
use herald_frr::value::Tag;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one node is to run before and after the edit, as its agent decides it.
fn configurations(before: &Folder, after: &Folder) -> (Arc<FrrConfig>, Arc<FrrConfig>) {
    let mut options = plan::Options { endpoints: Endpoints::Assume, ..plan::Options::default() };
    options.model.assume_node = Some("node".into());
    let mut planner = Incremental::new("node", options);
    let mut plan = |folder: &Folder, in_force: &InForce| {
        planner.plan(&folder.snapshot(), in_force).expect("the assumed node")
    };
    let first = plan(before, &InForce::default());
    let second = plan(after, &first.in_force);
    (first.config, second.config)
}

/// The plan that the agent makes of the two; where it would read FRR first, of what FRR then shows.
fn planned(before: &FrrConfig, after: &FrrConfig) -> ChangePlan {
    diff::edit(before, after, None).unwrap_or_else(|| {
        let shown = render(before, &RenderOptions { secrets: Secrets::Show, annotate: false });
        let ownership = Ownership { applied: Some(before), ..Ownership::shipped("") };
        diff::plan(&running::parse(&shown), after, &ownership)
    })
}

/// What an entry is known by, whatever its number: the class that it sets or matches, or that it stands for none.
fn identity(entry: &RouteMapEntry) -> (Option<Tag>, Option<Tag>, bool) {
    let nothing = entry.matches.prefix_list.as_ref().is_some_and(|(_, list)| list.as_str() == "nothing");
    (entry.sets.tag, entry.matches.tag, nothing)
}

/// The maps in which an entry comes or goes, and the first number of such: others behind it move.
fn moved(before: &FrrConfig, after: &FrrConfig) -> BTreeMap<String, u16> {
    let mut found = BTreeMap::new();
    for (one, other) in [(before, after), (after, before)] {
        for (name, map) in &one.route_maps {
            let others = other.route_maps.get(name).into_iter().flat_map(|map| map.entries.values());
            let others: BTreeSet<_> = others.map(identity).collect();
            let first = map.entries.iter().find(|(_, entry)| !others.contains(&identity(entry)));
            if let Some((number, _)) = first {
                let known = found.entry(name.to_string()).or_insert(*number);
                *known = (*known).min(*number);
            }
        }
    }
    found
}

/// Name and number, where the line opens an entry of a route-map or takes one away; behind every number, where it takes
/// away the map.
fn entry_of(line: &str) -> Option<(String, u16)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["route-map", name, _, number] | ["no", "route-map", name, _, number] => {
            Some((name.to_owned(), number.parse().ok()?))
        }
        ["no", "route-map", name] => Some((name.to_owned(), u16::MAX)),
        _ => None,
    }
}

/// Lines of the plan that name neither the edited object nor what its edit concerns, and do not just renumber.
fn strangers(before: &Folder, after: &Folder, edited: Object) -> Vec<String> {
    let (old, new) = configurations(before, after);
    let plan = planned(&old, &new);
    let concerned = before.concerned_by(edited).into_iter().chain(after.concerned_by(edited));
    let concerned: BTreeSet<String> = concerned.chain([edited.name()]).collect();
    let moved = moved(&old, &new);
    let mut entry = None;
    let mut found = Vec::new();
    for line in &plan.lines {
        let text = line.text.trim();
        let here = entry_of(text);
        if here.is_some() || !line.text.starts_with(' ') {
            entry = here;
        }
        let of_object = |origin: &str| {
            let object = origin.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            concerned.contains(&object)
        };
        let shifts =
            entry.as_ref().is_some_and(|(name, number)| moved.get(name).is_some_and(|first| first <= number));
        let nothing = text.contains(" prefix-list nothing ") || text.ends_with(" prefix-list nothing");
        let nobodys = nothing && line.origins.is_empty();
        if !line.frame && !shifts && !nobodys && !line.origins.iter().any(|origin| of_object(&origin.0)) {
            let origins: Vec<&str> = line.origins.iter().map(|origin| &*origin.0).collect();
            found.push(format!("{text}   <- {origins:?}"));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_plan_for_an_edit_of_one_object_names_only_what_it_concerns((before, after, edited) in folder_and_edit()) {
        let strangers = strangers(&before, &after, edited);
        prop_assert!(
            strangers.is_empty(),
            "an edit of {} brings\n{}\nbefore:\n{}\nafter:\n{}",
            edited.name(), strangers.join("\n"), before.text(), after.text()
        );
    }
}
