//! What several daemons keep: route-maps, prefix-lists, access-lists.

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
    use crate::running::parse;

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

    #[test]
    fn one_text_alone_is_taken_as_it_is() {
        assert_eq!(as_bgpd_has_it(POLICY), POLICY);
    }
}
