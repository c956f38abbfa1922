//! `router bgp`: the process, its sessions, prefixes, imports and EVPN.

use super::apply::{Hidden, Sides, changes};
use super::effects;
use super::ops::{Change, Op, Ops, Phase};
use super::{Effect, PrefixChange, Session};
use crate::config::{AddressFamily, NeighborId, Origins};
use crate::statement::{Block, Context, Kind, Statements, Subject, Value, Vrf, text};
use std::collections::BTreeSet;

/// Makes, changes and removes routers.
pub fn diff(ops: &mut Ops, sides: &mut Sides<'_>) {
    remove(ops, sides);
    let routers = sides.want.blocks.iter().filter_map(|(context, block)| match context {
        Context::Router(vrf) => Some((vrf.clone(), block)),
        _ => None,
    });
    for (vrf, block) in routers.collect::<Vec<_>>() {
        Router { ops, sides, vrf, block }.diff();
    }
}

/// The sessions of a running router; those that are active somewhere can be up.
fn sessions(side: &Statements<'_>, vrf: &Vrf) -> BTreeSet<NeighborId> {
    let mut found = BTreeSet::new();
    for family in [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast, AddressFamily::L2vpnEvpn] {
        let block = side.blocks.get(&Context::Family(vrf.clone(), family));
        for (subject, _) in block.into_iter().flat_map(|block| block.of_kind(Kind::Activate)) {
            if let Subject::Neighbor(id) = subject {
                found.insert(id.clone());
            }
        }
    }
    found
}

/// Takes away routers that are not wanted, or not with this AS number. FRR keeps the default VRF's
/// router as long as another has an L3VNI, so those are made anew with it.
fn remove(ops: &mut Ops, sides: &mut Sides<'_>) {
    let running = sides.have.blocks.iter().filter_map(|(context, block)| match context {
        Context::Router(vrf) => Some((vrf, &block.head)),
        _ => None,
    });
    let goes = |(vrf, asn): &(&Vrf, &String)| {
        let wanted = sides.want.blocks.get(&Context::Router((*vrf).clone()));
        let changes = wanted.is_none_or(|block| block.head != **asn);
        changes && sides.owned.router(vrf, asn) && !(wanted.is_none() && is_bare(sides.have, vrf))
    };
    let default_goes = running.clone().any(|router| router.0.is_none() && goes(&router));
    let has_vni = |vrf: &Vrf| {
        // FRR goes on to show the block of a VRF whose VNI went.
        let block = vrf.as_ref().and_then(|vrf| sides.have.blocks.get(&Context::Vrf(vrf.clone())));
        block.is_some_and(|block| block.sole(Kind::VrfVni).is_some())
    };
    let dependent =
        |(vrf, asn): &(&Vrf, &String)| default_goes && has_vni(vrf) && sides.owned.router(vrf, asn);
    let leaving: Vec<_> = running.filter(|router| goes(router) || dependent(router)).collect();
    // The default VRF comes last.
    for (vrf, asn) in leaving.into_iter().rev() {
        strip(ops, sides.have, vrf, asn);
        let block = sides.have.blocks.get(&Context::Router(vrf.clone()));
        let origins = block.and_then(|block| block.origins).cloned().unwrap_or_default();
        ops.top(Phase::Routers, format!("no {}", text::router(asn, vrf)), origins, Effect::Reset);
        let ended =
            sessions(sides.have, vrf).into_iter().map(|neighbor| Session { vrf: vrf.clone(), neighbor });
        sides.resets.extend(ended);
        sides.gone.insert(vrf.clone());
    }
}

/// What goes before its router does. Sessions: `no router bgp` closes them without a word (FRR 10.3), and a
/// neighbor that helps restarts would keep their routes for minutes (RFC 4724); `no neighbor` says Cease.
/// Router id and EVPN: FRR 10.3 gives those of a removed router to the next one in the same VRF. Imports:
/// FRR 8.4 makes a router anew that another still imports.
fn strip(ops: &mut Ops, have: &Statements<'_>, vrf: &Vrf, asn: &str) {
    let mut lines = Vec::new();
    let evpn = Context::Family(vrf.clone(), AddressFamily::L2vpnEvpn);
    let vnis = have.blocks.iter().filter(|(context, _)| matches!(context, Context::Vni(of, _) if of == vrf));
    lines.extend(
        vnis.map(|(context, block)| (evpn.clone(), text::remove(context, block), block.all_origins())),
    );
    let unicast = [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast];
    let unicast = unicast.map(|family| Context::Family(vrf.clone(), family));
    for context in unicast.into_iter().chain([evpn, Context::Router(vrf.clone())]) {
        for (key, value) in have.blocks.get(&context).into_iter().flat_map(|block| &block.lines) {
            let goes = match context {
                Context::Router(_) => matches!(key.0, Kind::RouterId | Kind::RemoteAs),
                Context::Family(_, AddressFamily::L2vpnEvpn) => !matches!(key.1, Subject::Neighbor(_)),
                _ => key.0 == Kind::Import,
            };
            if goes {
                let origins = value.origins.cloned().unwrap_or_default();
                lines.push((context.clone(), text::undo(key, &value.text), origins));
            }
        }
    }
    for (context, line, origins) in lines {
        let (head, line) = (asn.to_owned(), Some(line));
        ops.push(Op { phase: Phase::Withdraw, context, head, line, origins, effect: Effect::None });
    }
}

/// True for the empty router that FRR 8.4 makes and keeps for an `import vrf`; ours are never empty.
fn is_bare(have: &Statements<'_>, vrf: &Vrf) -> bool {
    let of = |context: &Context| match context {
        Context::Router(of) | Context::Family(of, _) | Context::Vni(of, _) => of == vrf,
        _ => false,
    };
    have.blocks.iter().filter(|(context, _)| of(context)).all(|(_, block)| block.lines.is_empty())
}

struct Router<'o, 'd, 's> {
    ops: &'o mut Ops,
    sides: &'o mut Sides<'d>,
    vrf: Vrf,
    block: &'s Block<'s>,
}

impl Router<'_, '_, '_> {
    fn diff(&mut self) {
        let have = self.sides.kept(&self.vrf, &Context::Router(self.vrf.clone()));
        let up = if have.is_some() { sessions(self.sides.have, &self.vrf) } else { BTreeSet::new() };
        let ended = self.end_sessions(have, &up);
        let over = |subject: &Subject| matches!(subject, Subject::Neighbor(id) if ended.contains(id));
        let context = Context::Router(self.vrf.clone());
        let mut changed = changes(have, Some(self.block), over);
        // A session's lines together, what it loses before what it gets.
        changed.sort_by_key(|change| match &change.key.1 {
            Subject::Neighbor(id) => (Some(id.clone()), change.want.is_some()),
            _ => (None, true),
        });
        let loses_bfd: BTreeSet<&Subject> =
            changed.iter().filter(|c| c.key.0 == Kind::Bfd && c.want.is_none()).map(|c| &c.key.1).collect();
        for change in &changed {
            // `no neighbor X bfd` takes the profile along.
            if change.key.0 == Kind::BfdProfile && change.want.is_none() && loses_bfd.contains(&change.key.1)
            {
                continue;
            }
            if let ((Kind::RemoteAs, Subject::Neighbor(id)), Some(_)) = (change.key, change.want) {
                let session = Session { vrf: self.vrf.clone(), neighbor: id.clone() };
                self.sides.begun.insert(session, change.origins());
            }
            let effect = self.effect(change, &up, &ended);
            if let (Kind::LocalAs, Some(old), Some(_)) = (change.key.0, change.have, change.want) {
                // FRR 10.3 keeps the session with the old number when it is given another one.
                self.push(Phase::Sessions, &context, text::undo(change.key, &old.text), change, effect);
            }
            self.push(Phase::Sessions, &context, change.line(), change, effect);
        }
        for family in [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast, AddressFamily::L2vpnEvpn] {
            self.family(family, &up, &ended);
        }
    }

    /// Ends sessions that are not wanted, or not with this AS: FRR drops other settings of a session
    /// that turns from external to internal, so it is made anew.
    fn end_sessions(&mut self, have: Option<&Block<'_>>, up: &BTreeSet<NeighborId>) -> BTreeSet<NeighborId> {
        let mut ended = BTreeSet::new();
        for (key, value) in have.into_iter().flat_map(|block| &block.lines) {
            let (Kind::RemoteAs, Subject::Neighbor(id)) = key else { continue };
            if self.block.lines.get(key).is_some_and(|wanted| wanted.text == value.text) {
                continue;
            }
            let session = Session { vrf: self.vrf.clone(), neighbor: id.clone() };
            let change = Change { key, have: Some(value), want: None };
            let line = change.line();
            let effect = if up.contains(id) { Effect::Reset } else { Effect::None };
            self.push(Phase::Withdraw, &Context::Router(self.vrf.clone()), line, &change, effect);
            if up.contains(id) {
                self.sides.resets.insert(session.clone());
            }
            self.sides.ended.insert(session);
            ended.insert(id.clone());
        }
        ended
    }

    fn push(&mut self, phase: Phase, context: &Context, line: String, change: &Change<'_>, effect: Effect) {
        self.step(phase, context, line, change.origins(), effect);
    }

    fn step(&mut self, phase: Phase, context: &Context, line: String, origins: Origins, effect: Effect) {
        let (context, head) = (context.clone(), self.block.head.clone());
        self.ops.push(Op { phase, context, head, line: Some(line), origins, effect });
    }

    /// What a change does to sessions that can be up; notes those that restart.
    fn effect(
        &mut self,
        change: &Change<'_>,
        up: &BTreeSet<NeighborId>,
        ended: &BTreeSet<NeighborId>,
    ) -> Effect {
        let (kind, subject) = change.key;
        let effect = effects::of(*kind, change.have.is_some(), change.want.is_some());
        if effect != Effect::Reset {
            return effect;
        }
        let hit: Vec<&NeighborId> = match subject {
            Subject::Neighbor(id) => up.get(id).into_iter().collect(),
            _ => up.iter().collect(),
        };
        let hit: Vec<_> = hit.into_iter().filter(|id| !ended.contains(*id)).cloned().collect();
        if hit.is_empty() {
            return Effect::None;
        }
        let vrf = self.vrf.clone();
        self.sides.resets.extend(hit.into_iter().map(|neighbor| Session { vrf: vrf.clone(), neighbor }));
        Effect::Reset
    }

    fn family(&mut self, family: AddressFamily, up: &BTreeSet<NeighborId>, ended: &BTreeSet<NeighborId>) {
        let context = Context::Family(self.vrf.clone(), family);
        let have = self.sides.kept(&self.vrf, &context);
        let want = self.sides.want.blocks.get(&context);
        if family == AddressFamily::L2vpnEvpn {
            self.vnis_gone(&context);
        }
        let over = |subject: &Subject| matches!(subject, Subject::Neighbor(id) if ended.contains(id));
        for change in changes(have, want, over) {
            let phase = match (change.key.0, change.want.is_some()) {
                (Kind::MapIn | Kind::MapOut, true) => Phase::Bind,
                (Kind::MapIn | Kind::MapOut, false) => Phase::Unbind,
                // Of what an import brings nothing may come to light that nobody is to have.
                (Kind::Network, false) => match self.sides.hides(&self.vrf, family, &change.key.1) {
                    None => Phase::Withdraw,
                    Some(Hidden::Goes) => Phase::Revealed,
                    Some(Hidden::Stays) => Phase::Uncover,
                },
                (_, false) => Phase::Unimport,
                // Before anything is announced with it.
                (Kind::Rd, _) => Phase::Sessions,
                (Kind::Network, _) if self.is_redefined(change.want) => Phase::Moves,
                (Kind::Network, _) => Phase::Networks,
                (Kind::Activate, _) => Phase::Activate,
                _ => Phase::Import,
            };
            if let Subject::Prefix(prefix) = &change.key.1 {
                let class = change.want.map(Value::as_str);
                self.ops.prefixes.push(PrefixChange::new(&self.vrf, *prefix, class));
            }
            let effect = self.effect(&change, up, ended);
            self.another_rd(phase, &context, &change);
            self.push(phase, &context, change.line(), &change, effect);
        }
        // FRR knows no VNI before `advertise-all-vni`.
        if family == AddressFamily::L2vpnEvpn {
            self.vnis();
        }
    }

    /// Where FRR shows no route distinguisher it has one all the same: for an L2VNI, one that it derives from the router
    /// id; in a VRF the last one, also after that was taken away. A line that says what it has changes nothing, and FRR
    /// goes on not to show it (8.4, 10.3: `bgp_evpn_vrf_rd_matches_existing`). So it is given another one first, of an AS
    /// number that nobody has (RFC 7607).
    fn another_rd(&mut self, phase: Phase, context: &Context, change: &Change<'_>) {
        let (Kind::Rd, None, Some(wanted)) = (change.key.0, change.have, change.want) else { return };
        let runs = self.sides.kept(&self.vrf, &Context::Router(self.vrf.clone())).is_some();
        let of_vrf = matches!(context, Context::Family(..));
        if runs && (of_vrf || wanted.as_str().contains('.')) {
            let other = if wanted.as_str() == "0:1" { "0:2" } else { "0:1" };
            self.push(phase, context, text::set(change.key, other), change, Effect::None);
        }
    }

    /// True for a class that is not complete before [`Phase::Redefine`].
    fn is_redefined(&self, class: Option<&Value<'_>>) -> bool {
        class.is_some_and(|class| self.sides.changed.iter().any(|name| name.as_str() == class.text))
    }

    fn vni_contexts(&self) -> BTreeSet<Context> {
        let of_router = |context: &&Context| matches!(context, Context::Vni(vrf, _) if *vrf == self.vrf);
        let all = self.sides.have.blocks.keys().chain(self.sides.want.blocks.keys());
        all.filter(of_router).cloned().collect()
    }

    fn vnis_gone(&mut self, evpn: &Context) {
        for context in self.vni_contexts() {
            let have = self.sides.kept(&self.vrf, &context);
            if let Some(block) = have.filter(|_| !self.sides.want.blocks.contains_key(&context)) {
                let line = text::remove(&context, block);
                self.step(Phase::Withdraw, evpn, line, block.all_origins(), Effect::None);
            }
        }
    }

    fn vnis(&mut self) {
        for context in self.vni_contexts() {
            let Some(want) = self.sides.want.blocks.get(&context) else { continue };
            let mut changed = changes(self.sides.kept(&self.vrf, &context), Some(want), |_| false);
            // What goes first, goes: the last target that goes brings the derived one back.
            changed.sort_by_key(|change| change.want.is_some());
            for change in &changed {
                self.another_rd(Phase::Import, &context, change);
                self.push(Phase::Import, &context, change.line(), change, Effect::None);
            }
            self.derived_again(&context, want, &changed);
        }
    }

    /// FRR may drop the target that it derives when another one comes, even if it is configured: then
    /// it is given again, last.
    fn derived_again(&mut self, context: &Context, want: &Block<'_>, changed: &[Change<'_>]) {
        for (key, value) in &want.lines {
            let given = changed.iter().any(|change| change.key == key);
            let beside = changed.iter().any(|change| change.key.0 == key.0 && change.want.is_some());
            if matches!(key.1, Subject::Target(true, _)) && beside && !given {
                let change = Change { key, have: None, want: Some(value) };
                self.push(Phase::Import, context, change.line(), &change, Effect::None);
            }
        }
    }
}
