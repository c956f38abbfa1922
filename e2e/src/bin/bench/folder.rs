//! `herald` on the large folder: time and memory.

use crate::measure::{Figure, cost};
use anyhow::Result;
use herald_e2e::Herald;
use herald_e2e::many::Many;

/// The limits for the large folder.
const SECONDS: f64 = 2.0;
const MEGABYTES: f64 = 300.0;

pub fn figures(quick: bool) -> Result<Vec<Figure>> {
    let herald = Herald::new()?;
    let (many, runs) = if quick { (Many { services: 500, ..Many::LARGE }, 1) } else { (Many::LARGE, 5) };
    let folder = tempfile::tempdir()?;
    many.write(folder.path())?;
    let input = folder.path().display().to_string();
    let out = tempfile::tempdir()?;
    let into = out.path().display().to_string();
    let of = format!("{} Services", many.services);
    let limit = |value| if quick { None } else { Some(value) };
    let mut figures = Vec::new();
    let mut measure = |name: &str, arguments: &[&str]| -> Result<()> {
        let cost = cost(herald.path(), arguments, runs)?;
        let case = format!("{name}, {of}");
        figures.push(Figure::new(&case, "time", cost.seconds, "s", limit(SECONDS)));
        figures.push(Figure::new(&case, "memory", cost.megabytes, "MB", limit(MEGABYTES)));
        Ok(())
    };
    measure("herald validate", &["validate", "-f", &input])?;
    measure("herald render, one node", &["render", "-f", &input, "--node", "node-0"])?;
    measure("herald render, 100 nodes", &["render", "-f", &input, "--out", &into])?;
    measure("herald plan", &["plan", "-f", &input])?;
    herald.run(&["plan", "-f", &input, "--write"])?;
    measure("herald render, one node, addresses recorded", &["render", "-f", &input, "--node", "node-0"])?;
    Ok(figures)
}
