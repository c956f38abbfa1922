//! All peers together: which count, and in which form.

use super::bfd;
use super::build::Built;
use super::in_force::{Form, Forms, InForce, key};
use super::judge::{Candidate, Standing, Verdict, judge};
use super::kind::{Context, Objects, Parsed, Prepared, form_of, former, prepare, same_name};
use super::peer::Peer;
use super::peer_error::PeerError;
use super::peer_parse::{self, References};
use super::sessions::{PeerHistory, conflict};
use super::{BfdProfile, Model};
use crate::frr::PasswordSource;
use crate::problem::{FieldPath, Problem};
use crate::snapshot::Custom;
use herald_crds::metallb::{BFDProfileSpec, BGPPeerSpec};
use herald_frr::value::Family;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Fills the model's peers. Pools, advertisements, profiles and nodes are there already.
pub(crate) fn build(
    objects: &Objects<'_, BGPPeerSpec>,
    secrets: &dyn PasswordSource,
    before: &InForce,
    built: &mut Built,
) {
    let profiles: BTreeSet<Arc<str>> = built.model.bfd_profiles.keys().cloned().collect();
    let former_profiles = names(&before.bfd_profiles);
    let references = References { profiles: &profiles, former_profiles: &former_profiles, secrets };
    let model = &built.model;
    let parse = |object: &Custom<BGPPeerSpec>, context: &Context<'_>| {
        let parsed = peer_parse::parse(object, context, &references)?;
        refuse_echo(parsed, context, model)
    };
    let prepared = prepare(objects, parse, &mut built.problems);
    let candidates: Vec<_> = prepared.iter().map(|prepared| &prepared.candidate).collect();
    // Without nodes every peer may meet every other; with them, each node is judged by itself.
    let everywhere = model.nodes.is_empty();
    let (verdicts, refusals) = judge(&candidates, |winner, loser| {
        let (winner, loser) = (&winner.value, &loser.value);
        same_name(winner, loser).or_else(|| conflict(winner, loser).filter(|_| everywhere))
    });
    built.problems.extend(refusals);
    for (Prepared { object, candidate }, verdict) in prepared.iter().zip(verdicts) {
        accept(object, candidate, verdict, before, built);
    }
    keep_former_profiles(before, built);
    let conflicts = built.model.conflicts_on_nodes();
    built.in_force.take_back(before, &conflicts);
    built.problems.extend(conflicts);
}

fn accept(
    object: &Custom<BGPPeerSpec>,
    candidate: &Candidate<Parsed<Peer>>,
    verdict: Verdict<Parsed<Peer>>,
    before: &InForce,
    built: &mut Built,
) {
    let mut rank = candidate.rank.clone();
    let edited = rank.standing == Standing::Edited;
    let (peer, form, previous) = match verdict {
        Verdict::Refused => return,
        Verdict::Last(parsed) => {
            rank.standing = Standing::Unchanged;
            (parsed.value, before.peers.get(&key(object)).cloned(), None)
        }
        Verdict::Current(parsed) => {
            let last = candidate.last.as_ref().filter(|_| edited).map(|last| last.value.clone());
            let form = form_of(object, &parsed);
            (parsed.value, Some(form), last)
        }
    };
    let name = peer.object.name.clone();
    built.in_force.peers.extend(form.map(|form| (key(object), form)));
    built.model.peer_history.insert(name.clone(), PeerHistory { rank, previous });
    built.model.peers.insert(name, peer);
}

/// A pool with IPv6 addresses must not be announced to a peer that BFD watches by echo packets.
///
/// A session that is up is not torn down for it: the problem is reported, and the session stays.
fn refuse_echo(
    mut parsed: Parsed<Peer>,
    context: &Context<'_>,
    model: &Model,
) -> Result<Parsed<Peer>, Vec<Problem>> {
    let Some((pool, advertisement)) = echo_conflict(&parsed.value, model) else { return Ok(parsed) };
    let object = &parsed.value.object;
    let why = PeerError::EchoWithIpv6 {
        pool,
        advertisement: advertisement.to_string(),
        peer: object.name.to_string(),
    };
    parsed.notes.push(Problem::error(object, FieldPath::of("spec.bfdProfile"), &why));
    if context.standing == Standing::Unchanged { Ok(parsed) } else { Err(parsed.notes) }
}

fn echo_conflict(peer: &Peer, model: &Model) -> Option<(Arc<str>, Arc<str>)> {
    let profile = model.bfd_profiles.get(peer.bfd_profile.as_ref()?)?;
    if !profile.profile.echo_mode {
        return None;
    }
    let has_v6 = |name: &&Arc<str>| model.pools.get(*name).is_some_and(|pool| pool.has_family(Family::V6));
    let reaching = model.bgp_advertisements.values().filter(|a| a.reaches(&peer.object.name));
    reaching.into_iter().find_map(|a| Some((a.pools.iter().find(has_v6)?.clone(), a.object.name.clone())))
}

/// A profile that was deleted lives on while a session in force uses it.
fn keep_former_profiles(before: &InForce, built: &mut Built) {
    let Built { model, in_force, .. } = built;
    let used: BTreeSet<Arc<str>> = model.peers.values().filter_map(|peer| peer.bfd_profile.clone()).collect();
    for (key, form) in &before.bfd_profiles {
        let Some(name) = used.iter().find(|name| Some(&***name) == name_of(key)) else { continue };
        if model.bfd_profiles.contains_key(name) {
            continue;
        }
        if let Some(profile) = former_profile(key, form) {
            model.bfd_profiles.insert(name.clone(), profile);
            in_force.bfd_profiles.insert(key.clone(), form.clone());
        }
    }
}

fn former_profile(key: &str, form: &Form<BFDProfileSpec>) -> Option<BfdProfile> {
    let context = Context { resolved: &form.resolved, standing: Standing::Unchanged, last: true };
    bfd::parse(&former("BFDProfile", key, form)?, &context).ok().map(|parsed| parsed.value)
}

fn names<S>(forms: &Forms<S>) -> BTreeSet<Arc<str>> {
    forms.keys().filter_map(|key| name_of(key)).map(Arc::from).collect()
}

/// The name in a key `namespace/name`.
fn name_of(key: &str) -> Option<&str> {
    key.split_once('/').map(|(_, name)| name)
}
