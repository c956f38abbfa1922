//! `herald plan`: who gets which address, which nodes announce it to whom, or why not.

mod ledger_file;
mod text;
mod view;

use crate::exit::{Error, Exit, Result};
use crate::input::{Before, Evaluated, Judging, Manifests};
use crate::nodes;
use crate::output::{Format, Paint, Report, say};
use crate::write::{self, Kind};
use herald_core::frr;
use herald_core::guard;
use herald_core::plan::{ALLOCATIONS, Decision, OnNode};
use herald_core::problem::{Problem, Severity};
use herald_core::snapshot::Node;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `herald plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    manifests: Manifests,
    #[command(flatten)]
    judging: Judging,
    /// Plan for this node only
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// The format of the plan
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Record the addresses; without FILE in allocations.yaml of the first folder
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "clap's form of an option whose value is optional")]
    write: Option<Option<PathBuf>>,
}

impl Args {
    /// Prints the plan; records the addresses where asked to.
    pub fn run(self) -> Result {
        let Self { manifests, judging, node, format, write } = self;
        let evaluated = judging.evaluate(
            &manifests.paths,
            node.as_deref(),
            frr::Options::default(),
            &Before::default(),
        )?;
        let chosen = match &node {
            Some(name) => vec![nodes::named(&evaluated.evaluation.model.nodes, name)?],
            None => evaluated.nodes_or_stand_ins(),
        };
        let (decisions, on_nodes) = decided(&evaluated, &chosen);
        let view = view::View::of(&evaluated.evaluation, &chosen, &decisions);
        let text = match format {
            Format::Text => text::render(&view),
            Format::Json => serde_json::to_string_pretty(&view).map_err(std::io::Error::from)? + "\n",
        };
        std::io::stdout().write_all(text.as_bytes())?;
        let target = write.map(|file| file.map_or_else(|| default_file(&manifests.paths), Ok)).transpose()?;
        let ledger = target.map(|file| (file, ledger_file::text(&evaluated.evaluation)));
        let (report, assumed) = evaluated.report(on_nodes, &chosen, judging.strictness());
        say(&report.text(Paint::of(&std::io::stderr())));
        say(if ledger.is_some() { "" } else { &assumed });
        ledger.map(|(file, text)| record(&file, &text, &report)).transpose()?;
        Ok(if report.errors > 0 { Exit::Found } else { Exit::Well })
    }
}

/// Each node's decisions, in the order of the Services; and what is wrong on nodes.
fn decided(evaluated: &Evaluated, nodes: &[Node]) -> (Vec<Vec<Decision>>, Vec<Problem>) {
    let each = nodes::each(evaluated, nodes, |_, OnNode { plan, problems, .. }| {
        (plan.services.into_iter().map(|(_, decision)| decision).collect(), problems)
    });
    let (decisions, problems): (Vec<Vec<Decision>>, Vec<Vec<Problem>>) = each.into_iter().unzip();
    (decisions, problems.into_iter().flatten().collect())
}

/// Records addresses, unless something is wrong: a pool with a mistake in it would let go of all of its own.
/// What a guard rail keeps from being announced has its address all the same.
fn record(file: &Path, text: &str, report: &Report) -> std::result::Result<(), Error> {
    let is_wrong = |p: &Problem| p.severity == Severity::Error && !guard::costs_only_prefixes(p);
    if report.problems.iter().any(is_wrong) {
        say(&format!("herald: {} not written: {}\n", file.display(), report.counts()));
        return Ok(());
    }
    write::atomically(file, text, Kind::Record)
}

fn default_file(paths: &[PathBuf]) -> std::result::Result<PathBuf, Error> {
    let none = || Error::Usage("--write needs a FILE where no -f is a folder".to_owned());
    paths.iter().find(|path| path.is_dir()).map(|folder| folder.join(ALLOCATIONS)).ok_or_else(none)
}
