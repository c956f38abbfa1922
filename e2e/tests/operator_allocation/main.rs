//! Who gets which address, on a real API server: rows A1 to A20 and L13 to L17 of MetalLB's suite, each by its name, and
//! what Herald adds to them.

mod dual;
mod ground;
mod requests;
mod rows;
mod status;

use anyhow::{Context, Result};
use ground::Ground;
use std::time::Instant;

type Row = (&'static str, fn(&Ground) -> Result<()>);

/// In the order in which they run.
const ROWS: &[Row] = &[
    ("A1: a ClusterIP's address is free", rows::a1),
    ("A2: a deleted one's address is free", rows::a2),
    ("A4: sharing is looked at again", rows::a4),
    ("sharing is refused, and why", rows::sharing_is_refused),
    ("A5: no pools, no addresses", rows::a5),
    ("A6: the next pool", rows::a6),
    ("A7: priorities in a namespace", rows::a7),
    ("A8: priorities alone", rows::a8),
    ("A9: namespaces", rows::a9),
    ("A10: labels of Services", rows::a10),
    ("A11: both", rows::a11),
    ("A12: a namespace gets another label", rows::a12),
    ("A13: both families of one pool", dual::a13),
    ("A14: IPv4 first", dual::a14),
    ("A15: IPv6 first", dual::a15),
    ("A16: a second family later", dual::a16),
    ("A17: prefers, requires, prefers", dual::a17),
    ("A18: it stays where it is", dual::a18),
    ("A19: it moves when it has to", dual::a19),
    ("one cluster address, one address", dual::one_cluster_address),
    ("A20: counters of a pool", status::a20),
    ("80, 95, 100 %", status::levels),
    ("L13 to L16: pools by name", requests::l13_to_l16),
    ("L17: another class", requests::l17),
    ("addresses by name", requests::addresses),
    ("annotations of old", requests::legacy),
    ("one write for an allocation", status::one_write),
    ("counters are gathered", status::counters_are_gathered),
    ("why not, within a second", status::why_not_within_a_second),
    ("ConfigurationState", status::configuration_state),
];

// One test, so that one server serves all of it.
#[test]
fn services_get_the_addresses_that_metallb_would_give_them() -> Result<()> {
    let mut ground = Ground::new()?;
    rows::namespaces(&ground)?;
    let mut failed = Vec::new();
    for (name, row) in ROWS {
        let started = Instant::now();
        let done = row(&ground).and_then(|()| ground.clear());
        println!("{name}: {:?}", started.elapsed());
        if let Err(why) = done {
            failed.push(format!("{name}: {why:?}"));
            ground.clear()?;
        }
    }
    if let Err(why) = rows::a3(&mut ground) {
        failed.push(format!("A3: five restarts: {why:?}"));
    }
    let log = ground.operator.log_file().display().to_string();
    (failed.is_empty()).then_some(()).with_context(|| format!("{}\n(log: {log})", failed.join("\n\n")))
}
