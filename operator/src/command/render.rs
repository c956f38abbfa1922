//! `herald render`: the configuration of nodes' FRR.

use crate::exit::{Error, Exit, Result};
use crate::input::{Before, Evaluated, Judging, Manifests};
use crate::nodes;
use crate::output::{Paint, Report, Strictness, say};
use crate::write::{self, Kind};
use herald_core::frr;
use herald_core::plan::{Evaluation, OnNode};
use herald_core::problem::Problem;
use herald_core::snapshot::Node;
use herald_frr::render::{RenderOptions, Secrets, render};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// Arguments of `herald render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    manifests: Manifests,
    #[command(flatten)]
    judging: Judging,
    /// The node whose frr.conf goes to standard output (or into --out)
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Write `DIR/<node>.conf` for each Node instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Say in comments which object and field each block comes from
    #[arg(long)]
    annotate: bool,
    /// Print passwords as they are; files are then readable by their owner only
    #[arg(long)]
    show_secrets: bool,
    #[command(flatten)]
    frr: FrrArgs,
}

/// What an agent is told on its command line and the manifests do not say.
#[derive(Debug, clap::Args)]
pub struct FrrArgs {
    /// Prefixes that no neighbor may send, whatever FRRConfigurations allow
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    always_block: frr::Blocked,
    /// Router id where the manifests set none; needs --node, for no two routers may share it
    #[arg(long, value_name = "A", requires = "node")]
    fallback_router_id: Option<Ipv4Addr>,
}

impl FrrArgs {
    /// The same as the planner takes it.
    fn options(self) -> frr::Options {
        let Self { always_block, fallback_router_id } = self;
        frr::Options { always_block: always_block.0, fallback_router_id, ..frr::Options::default() }
    }
}

impl Args {
    /// Prints or writes the configuration.
    pub fn run(self) -> Result {
        let Self { manifests, judging, node, out, annotate, show_secrets, frr } = self;
        let mut evaluated =
            judging.evaluate(&manifests.paths, node.as_deref(), frr.options(), &Before::default())?;
        let known = &evaluated.evaluation.model.nodes;
        let chosen = match (&node, &out) {
            (None, None) if known.len() != 1 => return Err(which_node(known.len())),
            (name, _) => nodes::known(known, name.as_deref())?,
        };
        let secrets = if show_secrets { Secrets::Show } else { Secrets::Mask };
        let rendered = Rendered::of(&evaluated, &chosen, RenderOptions { secrets, annotate });
        if let (Some(_), [node]) = (&node, &chosen[..]) {
            // What only matters elsewhere is `validate`'s to say.
            let Evaluation { model, problems, .. } = &mut evaluated.evaluation;
            problems.retain(|problem| model.concerns(problem, node));
        }
        let report = report(evaluated, rendered.problems, &chosen, judging.strictness());
        if judging.strict && report.errors > 0 {
            return Ok(Exit::Found);
        }
        match out {
            Some(folder) => write_all(&folder, &rendered.texts, secrets)?,
            None => print(&rendered.texts)?,
        }
        Ok(if report.errors > 0 { Exit::Found } else { Exit::Well })
    }
}

fn which_node(count: usize) -> Error {
    Error::Usage(format!("the input holds {count} Nodes: give --node NAME, or --out DIR for all of them"))
}

/// The texts of some nodes, and what is wrong there.
struct Rendered {
    texts: Vec<(String, String)>,
    problems: Vec<Problem>,
}

impl Rendered {
    fn of(evaluated: &Evaluated, chosen: &[Node], options: RenderOptions) -> Self {
        let one = |node: &Node, OnNode { config, problems, .. }: OnNode| {
            (node.name.to_string(), render(&config, &options), problems)
        };
        let mut rendered = Self { texts: Vec::new(), problems: Vec::new() };
        for (name, text, problems) in nodes::each(evaluated, chosen, one) {
            rendered.texts.push((name, text));
            rendered.problems.extend(problems);
        }
        rendered
    }
}

/// Says on standard error what is wrong, and what was assumed.
fn report(evaluated: Evaluated, on_nodes: Vec<Problem>, nodes: &[Node], strictness: Strictness) -> Report {
    let (report, assumed) = evaluated.report(on_nodes, nodes, strictness);
    let stderr = std::io::stderr();
    say(&format!("{}{assumed}", report.text(Paint::of(&stderr))));
    report
}

fn print(texts: &[(String, String)]) -> std::result::Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    for (_, text) in texts {
        stdout.write_all(text.as_bytes())?;
    }
    Ok(stdout.flush()?)
}

fn write_all(folder: &Path, texts: &[(String, String)], secrets: Secrets) -> std::result::Result<(), Error> {
    let kind = if secrets == Secrets::Show { Kind::Secret } else { Kind::Derived };
    std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    for (node, text) in texts {
        // A Node of this name cannot exist; a manifest could try to write elsewhere by it.
        if node.contains('/') {
            return Err(Error::Usage(format!("{node:?} is no name of a Node")));
        }
        write::atomically(&folder.join(format!("{node}.conf")), text, kind)?;
    }
    Ok(())
}
