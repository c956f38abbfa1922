//! `herald diff`: what changes for FRR between two folders, as a network team reads it in a pull request.

mod node;
mod services;
mod sessions;

use crate::exit::{Error, Exit, Result};
use crate::input::{Before, Evaluated, Judging, is_stdin};
use crate::nodes;
use crate::output::{Paint, Strictness, Style, say};
use herald_core::frr;
use herald_core::problem::Problem;
use herald_core::snapshot::Node;
use node::{Change, OnBoth, Side};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `herald diff`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Manifests as they were: a file or a folder
    old: PathBuf,
    /// Manifests as they are to be; addresses are allocated on top of those of OLD
    new: PathBuf,
    #[command(flatten)]
    judging: Judging,
    /// Compare for this node only
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
}

impl Args {
    /// Prints the differences; exits 0 without any, 1 with some, 2 if NEW has errors.
    pub fn run(self) -> Result {
        let Self { old, new, judging, node } = self;
        let options = frr::Options::default;
        // Nodes and state are read for OLD and again for NEW, when nothing is left there.
        let mut twice = [&judging.nodes, &judging.state].into_iter().flatten();
        if twice.any(|path| is_stdin(path)) || (is_stdin(&old) && is_stdin(&new)) {
            return Err(Error::Usage("standard input (`-`) can be OLD or NEW, and nothing else".to_owned()));
        }
        let old = judging.evaluate(&[old], node.as_deref(), options(), &Before::default())?;
        let new = judging.evaluate(&[new], node.as_deref(), options(), &old.before())?;
        let chosen = chosen(&old, &new, node.as_deref())?;
        let (before, after) = (Side::of(&old), Side::of(&new));
        let results = nodes::spread(&chosen, |node| OnBoth::of(node, &before, &after));
        let services = services::changes(&old, &new, &chosen, &results);
        let (changes, problems) = grouped(chosen.iter().map(|node| node.name.clone()), results);
        let stdout = std::io::stdout();
        let paint = Paint::of(&stdout);
        stdout.lock().write_all(text(&services, &changes, paint).as_bytes())?;
        let same = services.is_empty() && changes.is_empty();
        let refused = report(old, new, problems, &chosen, judging.strictness());
        Ok(match (refused, same) {
            (true, _) => Exit::Trouble,
            (false, true) => Exit::Well,
            (false, false) => Exit::Found,
        })
    }
}

/// The nodes of both folders.
fn chosen(old: &Evaluated, new: &Evaluated, name: Option<&str>) -> std::result::Result<Vec<Node>, Error> {
    let (old, new) = (&old.evaluation.model.nodes, &new.evaluation.model.nodes);
    let all: BTreeMap<Arc<str>, Node> =
        old.iter().chain(new).map(|(name, node)| (name.clone(), node.clone())).collect();
    nodes::known(&all, name)
}

/// What changes, with the nodes on which it does; and the problems of NEW.
type Grouped = (Vec<(Change, Vec<Arc<str>>)>, Vec<Problem>);

fn grouped(names: impl Iterator<Item = Arc<str>>, results: Vec<OnBoth>) -> Grouped {
    let (mut changes, mut problems): Grouped = (Vec::new(), Vec::new());
    for (name, OnBoth { change, problems: more, .. }) in names.zip(results) {
        problems.extend(more);
        let Some(change) = change else { continue };
        match changes.iter_mut().find(|(known, _)| *known == change) {
            Some((_, nodes)) => nodes.push(name),
            None => changes.push((change, vec![name])),
        }
    }
    (changes, problems)
}

/// The summary in words, then the differences.
fn text(services: &[String], changes: &[(Change, Vec<Arc<str>>)], paint: Paint) -> String {
    let mut text = String::new();
    if !services.is_empty() {
        text += &section("Services", services, paint);
    }
    for (change, nodes) in changes {
        text += &section(&nodes.join(", "), &change.summary, paint);
    }
    for (change, nodes) in changes.iter().filter(|(change, _)| !change.diff.is_empty()) {
        let heading = format!("frr.conf of {}", nodes.join(", "));
        let lines: Vec<String> = change.diff.lines().map(|line| coloured(line, paint)).collect();
        text += &["", &paint.text(Style::Strong, &heading), &lines.join("\n"), ""].join("\n");
    }
    text
}

fn section(heading: &str, lines: &[String], paint: Paint) -> String {
    let heading = paint.text(Style::Strong, &format!("{heading}:"));
    format!("{heading}\n  {}\n", lines.join("\n  "))
}

fn coloured(line: &str, paint: Paint) -> String {
    match line.as_bytes().first() {
        Some(b'-') => paint.text(Style::Bad, line),
        Some(b'+') => paint.text(Style::Good, line),
        _ => line.to_owned(),
    }
}

/// Says on standard error what is wrong with NEW. What was wrong with OLD was said when it was new.
fn report(
    old: Evaluated,
    new: Evaluated,
    on_nodes: Vec<Problem>,
    nodes: &[Node],
    strictness: Strictness,
) -> bool {
    let (before, _) = old.report(Vec::new(), nodes, strictness);
    if before.errors > 0 {
        say(&format!("note: OLD is compared without its objects that have errors ({})\n", before.counts()));
    }
    let (report, assumed) = new.report(on_nodes, nodes, strictness);
    say(&format!("{}{assumed}", report.text(Paint::of(&std::io::stderr()))));
    report.errors > 0
}
