//! What FRR itself takes for one prefix: `network P route-map CLASS` on an empty table, by `vtysh -c` and by `vtysh -f`.

use super::bed::Bed;
use super::ways::{Cost, by_command, rendered};
use super::world::{ASNS, World, address};
use anyhow::{Context, Result, ensure};
use herald_e2e::Herald;

/// Runs of each command.
#[derive(Debug, Default)]
pub struct Bare {
    pub added_c: Vec<Cost>,
    pub added_f: Vec<Cost>,
    pub withdrawn_c: Vec<Cost>,
    pub withdrawn_f: Vec<Cost>,
}

pub fn measure(herald: &Herald, rounds: usize) -> Result<Bare> {
    let mut bed = Bed::new()?;
    let (one, none) = (World::new(1), World::new(0));
    let text = rendered(&bed, herald, &one)?;
    // The class and its policies stay, so that the line means the same; the table starts empty.
    let (network, rest): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.trim_start().starts_with("network "));
    let line = network.first().context("no network line")?.trim();
    let loaded = bed.frr.load(&(rest.join("\n") + "\n"))?;
    ensure!(loaded.accepted, "{}", loaded.output);
    // The sessions come up before anything is timed.
    let prefix = format!("{}/32", address(0));
    by_command(&mut bed, &by_c(line), &one)?;
    by_command(&mut bed, &by_c(&format!("no network {prefix}")), &none)?;
    let mut bare = Bare::default();
    for _ in 0..rounds {
        bare.added_c.push(by_command(&mut bed, &by_c(line), &one)?);
        bare.withdrawn_c.push(by_command(&mut bed, &by_c(&format!("no network {prefix}")), &none)?);
        let command = by_f(&bed, line)?;
        bare.added_f.push(by_command(&mut bed, &command, &one)?);
        let command = by_f(&bed, &format!("no network {prefix}"))?;
        bare.withdrawn_f.push(by_command(&mut bed, &command, &none)?);
    }
    Ok(bare)
}

fn by_c(line: &str) -> String {
    format!(
        "vtysh -c 'configure terminal' -c 'router bgp {}' -c 'address-family ipv4 unicast' -c '{line}'",
        ASNS.0
    )
}

fn by_f(bed: &Bed, line: &str) -> Result<String> {
    let text = format!(
        "router bgp {}\n address-family ipv4 unicast\n  {line}\n exit-address-family\nexit\n",
        ASNS.0
    );
    Ok(format!("vtysh -f {}", bed.file(&text)?))
}
