//! What several daemons keep: route-maps, prefix-lists, access-lists.

use super::{Running, parse};
use crate::statement::{Context, Key, Kind, Statements, Subject};
use crate::value::{Family, FrrName};
use std::collections::BTreeSet;

/// What both commands begin with, in FRR 8.4 to 10.x.
const BEGIN: &str = "Current configuration:";

/// Of what two commands print in one `vtysh` run, `show running-config` and `show running-config bgpd`: the first, with bgpd's
/// own policies.
///
/// vtysh prints the union of all daemons. bgpd that restarted alone has no policies, and the union still shows those of
/// zebra: who believes it leaves bgpd without them, and bgpd announces nothing.
#[must_use]
pub fn as_bgpd_has_it(text: &str) -> String {
    let Some((all, bgpd)) = text.rsplit_once(BEGIN).filter(|(all, _)| all.contains(BEGIN)) else {
        return text.to_owned();
    };
    blocks(bgpd, true) + &blocks(all, false)
}

/// Reads what the two commands of [`as_bgpd_has_it`] print in one `vtysh` run.
#[must_use]
pub fn read(text: &str) -> Running {
    let running = parse(&as_bgpd_has_it(text));
    let all = text.rsplit_once(BEGIN).map(|(all, _)| blocks(all, true)).unwrap_or_default();
    let mut elsewhere = parse(&all).statements;
    Policies::of(&running.statements).take_from(&mut elsewhere);
    Running { elsewhere, ..running }
}

/// The names of policies.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    maps: BTreeSet<FrrName>,
    lists: BTreeSet<(Family, FrrName)>,
}

impl Policies {
    /// Those that there are.
    pub(crate) fn of(statements: &Statements<'_>) -> Self {
        let map = |context: &Context| match context {
            Context::RouteMap(name, _) => Some(name.clone()),
            _ => None,
        };
        let top = statements.blocks.get(&Context::Top);
        let rules = top.into_iter().flat_map(|top| top.of_kind(Kind::PrefixRule));
        let list = |subject: &Subject| match subject {
            Subject::Rule(family, name, _) => Some((*family, name.clone())),
            _ => None,
        };
        Self {
            maps: statements.blocks.keys().filter_map(map).collect(),
            lists: rules.filter_map(|(subject, _)| list(subject)).collect(),
        }
    }

    /// Leaves nothing but policies there, and none of these.
    pub(crate) fn take_from(&self, statements: &mut Statements<'_>) {
        let rule = |(_, subject): &Key| match subject {
            Subject::Rule(family, name, _) => !self.lists.contains(&(*family, name.clone())),
            _ => false,
        };
        statements.blocks.retain(|context, block| match context {
            Context::RouteMap(name, _) => !self.maps.contains(name),
            Context::Top => {
                block.lines.retain(|key, _| rule(key));
                !block.lines.is_empty()
            }
            _ => false,
        });
    }
}

/// The blocks that several daemons keep, or all others.
fn blocks(text: &str, shared: bool) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        // `exit` and `!` end a block and belong to it.
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) && line != "exit" {
            inside = is_shared(line);
        }
        if inside == shared {
            kept.extend([line, "\n"]);
        }
    }
    kept
}

fn is_shared(line: &str) -> bool {
    let words = line.strip_prefix("ip ").or_else(|| line.strip_prefix("ipv6 ")).unwrap_or(line);
    ["route-map ", "prefix-list ", "access-list "].iter().any(|kind| words.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{Ownership, plan};
    use std::sync::Arc;

    const OTHERS: &str = "frr version 10.3\n!\nrouter bgp 64500\n bgp router-id 192.0.2.1\nexit\n!\n";
    const POLICY: &str =
        "ip prefix-list nothing seq 5 deny any\n!\nroute-map out permit 1\n match tag 7\nexit\n!\n";

    fn printed(all: &str, bgpd: &str) -> String {
        let one = |text: &str| format!("Building configuration...\n\n{BEGIN}\n!\n{text}end\n");
        one(all) + &one(bgpd)
    }

    #[test]
    fn what_bgpd_has_is_what_runs() {
        let both = POLICY.to_owned() + OTHERS;
        assert_eq!(parse(&as_bgpd_has_it(&printed(&both, &both))), parse(&both));
    }

    #[test]
    fn what_only_zebra_still_has_does_not_run() {
        let read = as_bgpd_has_it(&printed(&(POLICY.to_owned() + OTHERS), "frr version 10.3\n!\n"));
        assert_eq!(parse(&read), parse(OTHERS));
        let half = "route-map out permit 1\nexit\n!\n";
        let read = as_bgpd_has_it(&printed(&(POLICY.to_owned() + OTHERS), half));
        assert_eq!(parse(&read), parse(&(half.to_owned() + OTHERS)));
    }

    /// A `vtysh` was ended when mgmtd had its lines and bgpd had not.
    #[test]
    fn what_only_zebra_has_goes_where_it_is_ours_and_not_wanted() {
        let read = read(&printed(&(POLICY.to_owned() + OTHERS), OTHERS));
        let lines = |wanted: &str, ownership: &Ownership<'_>| -> Vec<String> {
            let wanted = parse(&(wanted.to_owned() + OTHERS)).config;
            let mut lines: Vec<String> =
                plan(&read, &wanted, ownership).lines.into_iter().map(|line| line.text).collect();
            lines.retain(|line| ["route-map", "prefix-list", "match"].iter().any(|word| line.contains(word)));
            lines
        };
        let given = [Arc::new(parse(POLICY).config)];
        let named = Ownership { given: &given, ..Ownership::host(None) };
        assert_eq!(lines("", &named), ["no ip prefix-list nothing", "no route-map out"]);
        assert_eq!(lines("", &Ownership::host(None)), [""; 0]);
        // bgpd is given what it lacks, whatever the others have.
        let all = ["ip prefix-list nothing seq 5 deny any", "route-map out permit 1", " match tag 7"];
        assert_eq!(lines(POLICY, &named), all);
    }

    #[test]
    fn one_text_alone_is_taken_as_it_is() {
        assert_eq!(as_bgpd_has_it(POLICY), POLICY);
    }
}
