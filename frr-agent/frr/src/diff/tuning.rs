//! What makes FRR quick and is no part of a configuration: no manifest asks for it, and no text for review shows it.
//!
//! Two waits of bgpd keep a new session from its routes (docs/decisions/0010-quick-sessions.md):
//!
//! - A session that is made inside `vtysh -f` is held until `bgp route-map delay-timer` runs out, 5 s by default, if a
//!   route-map was edited (`bgp_config_end`: the whole seconds that are left of it), and 1 s if not.
//! - The first routes to a session that came up wait for `coalesce-time`, 1 s and 50 ms more for each neighbor by default:
//!   neighbors that share their policy would be sent them together. Ours never share it.

use super::ops::{Op, Ops, Phase};
use super::{Effect, Session, Sides};
use crate::config::{AddressFamily, Origins};
use crate::running::{DELAY_TIMER, delay_timer};
use crate::statement::{Block, Context, Kind, Statements, Subject, text};

/// Milliseconds. bgpd works on new prefixes 50 ms after it is given them; with less than that End-of-RIB overtakes them.
const COALESCE_TIME: &str = "200";

/// The line that a plan which makes sessions ends with but for two, the second of which takes it back. A run of vtysh that
/// is ended in between leaves it.
pub const QUICK: &str = "bgp route-map delay-timer 1";

/// Gives each router its `coalesce-time`; hand-written parts, which come later, may say another.
pub fn coalesce(all: &mut Statements<'_>) {
    for (context, block) in &mut all.blocks {
        if let Context::Router(_) = context {
            block.put(Kind::CoalesceTime, Subject::Sole, COALESCE_TIME, block.origins);
        }
    }
}

/// Ends the hold of the sessions that the plan makes. What the timer is afterwards is `wanted` by hand-written lines, or
/// is what `runs`, if the plan does not take that away.
///
/// Every edit of a route-map starts the timer anew. So the last edit is one that means nothing, with a timer of which no
/// whole second is left. An entry behind the last one lets nothing through that went through before, or the other way
/// round. FRR gathers edits of policies up to the next line of another kind, and two that undo each other would be none.
pub fn quick(ops: &mut Ops, sides: &Sides<'_>, wanted: Option<u16>, runs: Option<u16>) {
    let delay = wanted.or(runs.filter(|seconds| !ops.takes_back(&delay_timer(*seconds))));
    // 0 means that FRR never uses a changed route-map by itself: whoever wants that gets it.
    let behind = sides.begun.keys().find_map(|session| behind(sides, session));
    let Some(context) = behind.filter(|_| delay != Some(0)) else { return };
    let origins: Origins = sides.begun.values().flat_map(Origins::iter).cloned().collect();
    let after = delay.map_or_else(|| format!("no {DELAY_TIMER}"), delay_timer);
    let block = Block { head: "deny".to_owned(), ..Block::default() };
    let gone = text::remove(&context, &block);
    let (phase, head) = (Phase::Quick, block.head);
    ops.push(Op { phase, context, head, line: None, origins: origins.clone(), effect: Effect::None });
    for line in [QUICK.to_owned(), gone, after] {
        ops.top(Phase::Quick, line, origins.clone(), Effect::None);
    }
}

/// An entry behind the last one, before and after, of the `out` map of a new session.
fn behind(sides: &Sides<'_>, session: &Session) -> Option<Context> {
    let key = (Kind::MapOut, Subject::Neighbor(session.neighbor.clone()));
    let map = [AddressFamily::Ipv4Unicast, AddressFamily::Ipv6Unicast].into_iter().find_map(|family| {
        let block = sides.want.blocks.get(&Context::Family(session.vrf.clone(), family))?;
        Some(block.lines.get(&key)?.as_str())
    })?;
    let entries = [sides.have, sides.want].into_iter().flat_map(|side| side.blocks.keys());
    let last = entries.filter_map(|context| match context {
        Context::RouteMap(name, seq) if name.as_str() == map => Some((name, *seq)),
        _ => None,
    });
    let (name, seq) = last.max()?;
    Some(Context::RouteMap(name.clone(), seq.checked_add(1)?))
}
