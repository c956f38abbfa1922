//! FRR's configuration as a set: each statement with the blocks that it stands in, so that order does not count.

use std::collections::BTreeSet;

/// The statements of a text that is indented as FRR prints it: `router bgp 64500 / neighbor 192.0.2.1 remote-as 64501`.
#[must_use]
pub fn statements(text: &str) -> BTreeSet<String> {
    let mut blocks: Vec<(usize, &str)> = Vec::new();
    let mut statements = BTreeSet::new();
    for line in text.lines() {
        let statement = line.trim();
        if statement.is_empty()
            || statement.starts_with('!')
            || statement.starts_with("exit")
            || statement == "end"
        {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        blocks.retain(|(outer, _)| *outer < indent);
        blocks.push((indent, statement));
        let path: Vec<&str> = blocks.iter().map(|(_, block)| *block).collect();
        statements.insert(path.join(" / "));
    }
    statements
}

/// The statements that FRR is to print for a rendered text: without its own defaults, and with what the agent adds to each router
/// beside the text (docs/decisions/0010-quick-sessions.md).
#[must_use]
pub fn as_frr_runs(rendered: &str) -> BTreeSet<String> {
    let mut wanted = statements(rendered);
    let routers: Vec<String> = wanted
        .iter()
        .filter(|statement| statement.starts_with("router bgp ") && !statement.contains(" / "))
        .cloned()
        .collect();
    wanted.extend(routers.iter().map(|router| format!("{router} / coalesce-time 200")));
    wanted.retain(|statement| !statement.ends_with(" nht resolve-via-default"));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_carry_their_blocks() {
        let text = "router bgp 1\n neighbor a\n !\n address-family ipv4 unicast\n  network b\n exit-address-family\nexit\n!\nend\n";
        let found: Vec<String> = statements(text).into_iter().collect();
        assert_eq!(
            found,
            [
                "router bgp 1",
                "router bgp 1 / address-family ipv4 unicast",
                "router bgp 1 / address-family ipv4 unicast / network b",
                "router bgp 1 / neighbor a"
            ]
        );
    }
}
