//! All peers together: which count, and in which form.

use super::bfd;
use super::build::Built;
use super::in_force::{Form, Forms, InForce, key};
use super::judge::{Candidate, Standing, Verdict, judge};
use super::kind::{Context, Parsed, form_of, prepare, same_name};
use super::peer::Peer;
use super::peer_error::PeerError;
use super::peer_parse::{self, References};
use super::peer_secret::Secrets;
use super::sessions::{PeerHistory, conflict};
use super::{BfdProfile, Model};
use crate::problem::{FieldPath, ObjectRef, Problem, Severity};
use crate::snapshot::{Custom, Labels, Meta, Secret};
use herald_crds::metallb::{BFDProfileSpec, BGPPeerSpec};
use herald_frr::value::Family;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Fills the model's peers. Pools, advertisements, profiles and nodes are there already.
pub(crate) fn build(
    objects: &[Custom<BGPPeerSpec>],
    secrets: &[Secret],
    allow_missing: bool,
    before: &InForce,
    built: &mut Built,
) {
    let secrets = Secrets::new(secrets, allow_missing);
    let profiles: BTreeSet<Arc<str>> = built.model.bfd_profiles.keys().cloned().collect();
    let former_profiles = names(&before.bfd_profiles);
    let references = References { profiles: &profiles, former_profiles: &former_profiles, secrets: &secrets };
    let model = &built.model;
    let parse = |object: &Custom<BGPPeerSpec>, context: &Context<'_>| {
        let parsed = peer_parse::parse(object, context, &references)?;
        refuse_echo(parsed, context, model)
    };
    let candidates = prepare(objects, &before.peers, parse, &mut built.problems);
    // Without nodes every peer may meet every other; with them, each node is judged by itself.
    let everywhere = model.nodes.is_empty();
    let (verdicts, refusals) = judge(&candidates, |winner, loser| {
        let (winner, loser) = (&winner.value, &loser.value);
        same_name(winner, loser).or_else(|| conflict(winner, loser).filter(|_| everywhere))
    });
    built.problems.extend(refusals);
    for ((object, candidate), verdict) in objects.iter().zip(&candidates).zip(verdicts) {
        accept(object, candidate, verdict, before, built);
    }
    keep_former_profiles(before, built);
    judge_nodes(objects, before, built);
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

/// What is refused on some node is not in force yet: its last form is what counts the next time.
fn judge_nodes(objects: &[Custom<BGPPeerSpec>], before: &InForce, built: &mut Built) {
    let conflicts = built.model.conflicts_on_nodes();
    for object in objects {
        let is_refused =
            |p: &Problem| p.severity == Severity::Error && p.object.as_ref() == Some(&object.meta.object);
        if !conflicts.iter().any(is_refused) {
            continue;
        }
        let key = key(object);
        match before.peers.get(&key) {
            Some(form) => built.in_force.peers.insert(key, form.clone()),
            None => built.in_force.peers.remove(&key),
        };
    }
    built.problems.extend(conflicts);
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
    let (namespace, name) = key.split_once('/')?;
    let object = ObjectRef { kind: "BFDProfile", namespace: namespace.into(), name: name.into() };
    let meta = Meta {
        object,
        labels: form.labels.clone(),
        annotations: Labels::new(),
        created: Arc::from(""),
        generation: 0,
    };
    let context = Context { resolved: &form.resolved, standing: Standing::Unchanged, last: true };
    bfd::parse(&Custom { meta, spec: form.spec.clone() }, &context).ok().map(|parsed| parsed.value)
}

fn names<S>(forms: &Forms<S>) -> BTreeSet<Arc<str>> {
    forms.keys().filter_map(|key| name_of(key)).map(Arc::from).collect()
}

/// The name in a key `namespace/name`.
fn name_of(key: &str) -> Option<&str> {
    key.split_once('/').map(|(_, name)| name)
}
