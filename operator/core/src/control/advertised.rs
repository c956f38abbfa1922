//! `LoadBalancerAdvertised` from what nodes report: counts of nodes and sessions, or the first thing that is missing.

use super::condition;
use super::input::Millis;
use super::leader::{Context, Leader, Wake};
use super::shown::Verdict;
use crate::input::objects::{Announced, AnnouncedKey, Kind};
use crate::plan::{Announcement, Missing};
use crate::snapshot::ServiceKey;
use herald_frr::shared::Change;
use std::collections::BTreeMap;
use std::sync::Arc;

/// It was sent on every session that is meant for it.
pub(super) const ADVERTISED: &str = "Advertised";
/// It was sent on some of them.
pub(super) const PARTLY: &str = "PartlyAdvertised";
/// It was sent on none.
pub(super) const NOT: &str = "NotAdvertised";
/// What a report that was deleted said counts for so long, in milliseconds: whoever deletes reports, FRR goes on, and the agent
/// writes them again. An agent that announces a Service to nobody any more says so before it deletes the report.
const REMEMBERED: Millis = 30_000;

/// A report that was deleted.
#[derive(Debug, Clone)]
pub(super) struct Vanished {
    announced: Arc<Announced>,
    until: Millis,
}

/// By the Service that they were about.
pub(super) type AllVanished = BTreeMap<ServiceKey, Vec<Vanished>>;

impl Leader {
    /// Takes in what became of reports; the Services that they are about.
    pub fn see_reports(
        &mut self,
        changes: Vec<Change<'_, AnnouncedKey, Arc<Announced>>>,
        at: Millis,
    ) -> Vec<ServiceKey> {
        let mut about = Vec::new();
        for Change { key: (service, _), before, after } in changes {
            about.push(service.clone());
            let (Some(before), None) = (before, after) else { continue };
            if before.peers.is_empty() {
                continue;
            }
            let until = at + REMEMBERED;
            let of = self.vanished.entry(service.clone()).or_default();
            of.retain(|vanished| vanished.announced.node != before.node && at < vanished.until);
            of.push(Vanished { announced: before.clone(), until });
            self.wake_at(until, Wake::Service(service.clone()));
        }
        about
    }

    /// The condition of a Service.
    pub fn advertised(
        &mut self,
        context: &Context<'_>,
        key: &ServiceKey,
        planned: Option<Result<Announcement, Missing>>,
    ) -> Verdict {
        let reports = context.options.reports && context.view.synced.contains(&Kind::ServiceBgpStatus);
        match &planned {
            Some(Ok(announcement)) if reports && !announcement.sessions.is_empty() => {
                let at = context.now.at;
                let vanished = self.vanished.remove(key).unwrap_or_default();
                let vanished: Vec<_> = vanished.into_iter().filter(|one| at < one.until).collect();
                let verdict = counted(announcement, context.view.reports.of(key), &vanished);
                if !vanished.is_empty() {
                    self.vanished.insert(key.clone(), vanished);
                }
                verdict.unwrap_or_else(|| condition::advertised(planned))
            }
            _ => condition::advertised(planned),
        }
    }
}

/// `None` where nothing was sent over BGP and layer 2 has another way, of which nobody reports.
fn counted<'a>(
    announcement: &Announcement,
    reports: impl Iterator<Item = &'a Arc<Announced>>,
    vanished: &'a [Vanished],
) -> Option<Verdict> {
    let mut sent: BTreeMap<&str, &Announced> =
        vanished.iter().map(|one| (&*one.announced.node, &*one.announced)).collect();
    sent.extend(reports.map(|announced| (&*announced.node, &**announced)));
    let (mut nodes, mut sessions, mut wanted, mut missing) = (0, 0, 0, None);
    for (node, peers) in &announcement.sessions {
        let has =
            |peer: &&Arc<str>| sent.get(&**node).is_some_and(|announced| announced.peers.contains(peer));
        let count = peers.iter().filter(has).count();
        nodes += usize::from(count > 0);
        sessions += count;
        wanted += peers.len();
        missing = missing.or_else(|| Some((node, peers.iter().find(|peer| !has(peer))?)));
    }
    let (all, by) = (announcement.sessions.len(), &announcement.bgp);
    let first =
        missing.map(|(node, peer)| format!("the first that is missing is BGPPeer {peer} on node {node}"));
    let first = first.unwrap_or_else(|| "no BGPPeer carries the family of its addresses".to_owned());
    Some(if wanted > 0 && sessions == wanted {
        let message = format!("sent by {} on {} by {by}", count(nodes, "node"), count(sessions, "session"));
        Verdict::new(true, ADVERTISED, message)
    } else if sessions > 0 {
        let message = format!(
            "sent by {nodes} of {} on {sessions} of {} by {by}: {first}",
            count(all, "node"),
            count(wanted, "session")
        );
        Verdict::new(true, PARTLY, message)
    } else if !announcement.l2.is_empty() {
        return None;
    } else {
        let message = format!(
            "no node has sent it: {} should on {} by {by}; {first}: BGPSessionStates and FRRNodeStates say more",
            count(all, "node"),
            count(wanted, "session")
        );
        Verdict::new(false, NOT, message)
    })
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
