//! `herald validate`: everything that is wrong, as a compiler says it.

use crate::exit::{Exit, Result};
use crate::input::{Before, Judging, Manifests};
use crate::nodes;
use crate::output::{Format, Paint, Report, say};
use herald_core::frr;
use herald_core::plan::OnNode;
use herald_core::problem::Problem;
use herald_core::snapshot::Node;
use std::io::Write;

/// Arguments of `herald validate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    manifests: Manifests,
    #[command(flatten)]
    judging: Judging,
    /// The format of the list
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    /// Prints the problems; exits 1 if any is an error.
    pub fn run(self) -> Result {
        let Self { manifests, judging, format } = self;
        let evaluated =
            judging.evaluate(&manifests.paths, None, frr::Options::default(), &Before::default())?;
        let nodes = evaluated.nodes_or_stand_ins();
        let problems_on = |_: &Node, OnNode { problems, .. }: OnNode| problems;
        let on_nodes: Vec<Problem> =
            nodes::each(&evaluated, &nodes, problems_on).into_iter().flatten().collect();
        let (report, assumed) = evaluated.report(on_nodes, &nodes, judging.strictness());
        let mut stdout = std::io::stdout();
        let text = match format {
            Format::Text => format!("{}{}\n", report.text(Paint::of(&stdout)), report.counts()),
            Format::Json => json(&report)?,
        };
        stdout.write_all(text.as_bytes())?;
        say(&assumed);
        Ok(if report.errors > 0 { Exit::Found } else { Exit::Well })
    }
}

fn json(report: &Report) -> std::io::Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}
