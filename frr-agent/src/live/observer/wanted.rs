//! What is wanted of FRR, kept up with the configuration at the cost of what changed.

use super::{MANY, Observer, SETTLED};
use crate::live::account::{Account, ROUND, recount};
use crate::live::sent::Changed;
use herald_frr::config::{Announcement, FrrConfig, Outbound};
use herald_frr::diff::Session;
use herald_frr::value::Family;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

impl Observer {
    /// FRR was given this configuration.
    pub fn configured(&mut self, now: Instant, config: Arc<FrrConfig>) {
        let before = std::mem::replace(&mut self.config, config);
        let config = self.config.clone();
        self.given |= !config.routers.is_empty();
        self.changed_at = now;
        let first = self.accounts.is_empty();
        let lists_alike = before.route_maps == config.route_maps
            && before.prefix_lists == config.prefix_lists
            && before.raw == config.raw;
        let mut accounts = std::mem::take(&mut self.accounts);
        for (vrf, router) in &config.routers {
            let old = before.routers.get(vrf);
            let edits = old.map(|old| old.networks.changes(&router.networks)).unwrap_or_default();
            let prefixes: Vec<IpNet> = edits.iter().map(|edit| *edit.key).collect();
            for neighbor in router.neighbors.keys() {
                let session = Session { vrf: vrf.clone(), neighbor: neighbor.clone() };
                let pair = Pair::of(&before, &config, &session, lists_alike);
                for family in FAMILIES {
                    let key = (session.clone(), family);
                    let account = pair.account(accounts.remove(&key), family, &prefixes, now);
                    self.accounts.extend(account.map(|account| (key, account)));
                }
            }
            let alone = prefixes.len() <= MANY;
            for prefix in prefixes {
                let new = Changed { at: now, seen_wrong: false, alone, wrong: None };
                self.changed.insert((vrf.clone(), prefix), new);
            }
        }
        if first {
            spread(&mut self.accounts, now);
        }
    }
}

/// The first looks are spread over a round, as the later ones are by that.
fn spread(accounts: &mut BTreeMap<(Session, Family), Account>, now: Instant) {
    let count = u32::try_from(accounts.len()).unwrap_or(u32::MAX).max(1);
    for (at, account) in (1..).zip(accounts.values_mut()) {
        account.due = now + ROUND / count * at;
    }
}

/// A session before and after a change.
struct Pair<'a> {
    /// `None` if more than networks changed for it.
    before: Option<Outbound<'a>>,
    after: Option<Outbound<'a>>,
}

impl<'a> Pair<'a> {
    fn of(before: &'a FrrConfig, after: &'a FrrConfig, session: &Session, lists_alike: bool) -> Self {
        let router = |config: &'a FrrConfig| config.routers.get(&session.vrf);
        let neighbor = |config| router(config).and_then(|router| router.neighbors.get(&session.neighbor));
        let imports = |config| router(config).map(|router| &router.imports);
        let alike = lists_alike && neighbor(before) == neighbor(after) && imports(before) == imports(after);
        let outbound = |config| Outbound::of(config, &session.vrf, &session.neighbor);
        Self { before: outbound(before).filter(|_| alike), after: outbound(after) }
    }

    /// The account after the change; `None` if the session does not carry the family.
    fn account(
        &self,
        account: Option<Account>,
        family: Family,
        changed: &[IpNet],
        now: Instant,
    ) -> Option<Account> {
        let after = self.after.filter(|after| after.carries(family))?;
        let (Some(mut account), Some(before)) = (account, self.before) else {
            return Some(Account::new(after.wanted(family).count(), now + SETTLED));
        };
        let of_family = changed.iter().filter(|prefix| Family::of(prefix.addr()) == family);
        let is_wanted = |side: &Outbound<'_>, prefix| side.judge(prefix) == Announcement::Wanted;
        let steps = of_family.map(|prefix| (is_wanted(&before, prefix), is_wanted(&after, prefix)));
        account.wanted = recount(account.wanted, steps);
        if changed.len() > MANY {
            account.hurry(now + SETTLED);
        }
        Some(account)
    }
}
