//! What an address and a plan cost: the figures that `cargo bench -p herald-core` left in target/criterion.

use crate::measure::Figure;
use anyhow::{Context, Result};
use herald_e2e::repository;
use serde_json::Value;
use std::fs;

/// The benchmark's groups, how many of what is counted one iteration of each does, and the limit in microseconds: 20 us
/// for an allocation; a plan at 10,000 Services is to take milliseconds, a fifth of what a person notices.
const GROUPS: [(&str, f64, f64); 3] = [
    ("assign and release", 1.0, 20.0),
    ("allocate", 10_000.0, 20.0),
    ("plan after one change", 1.0, 100_000.0),
];

/// One figure per case; none when the benchmark has not run.
pub fn figures() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (group, count, limit) in GROUPS {
        let folder = repository().join("target/criterion").join(group);
        let Ok(cases) = fs::read_dir(&folder) else { continue };
        for case in cases {
            let estimates = case?.path().join("new/estimates.json");
            let Ok(text) = fs::read_to_string(&estimates) else { continue };
            let read: Value = serde_json::from_str(&text).with_context(|| estimates.display().to_string())?;
            let nanoseconds = read["median"]["point_estimate"].as_f64().context("no median")?;
            let name = estimates.iter().rev().nth(2).unwrap_or_default().to_string_lossy();
            let each = nanoseconds / count / 1000.0;
            figures.push(Figure::new(&format!("{group}: {name}"), "per one", each, "us", Some(limit)));
        }
    }
    figures.sort_by(|a, b| a.case.cmp(&b.case));
    Ok(figures)
}
