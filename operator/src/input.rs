//! From arguments to an evaluation: what every subcommand begins with.

use crate::exit::Error;
use crate::output::{Report, Strictness};
use clap::ValueEnum;
use herald_core::frr;
use herald_core::guard;
use herald_core::input::{self, Parsed, SourceIndex};
use herald_core::model::{self, InForce, ServiceKey};
use herald_core::plan::{self, Allocate, Evaluation, Recorded};
use herald_core::problem::Problem;
use herald_core::snapshot::{Node, Service};
use std::collections::BTreeSet;
use std::io::stdin;
use std::path::{Path, PathBuf};

/// Which manifests.
#[derive(Debug, clap::Args)]
pub struct Manifests {
    /// Manifests: files, folders (read recursively), `-` for standard input
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true, num_args = 1..)]
    pub paths: Vec<PathBuf>,
}

/// How manifests are judged.
#[derive(Debug, clap::Args)]
pub struct Judging {
    /// File or folder with Node objects, as `kubectl get nodes -o yaml` prints them
    #[arg(long, value_name = "FILE")]
    pub nodes: Option<PathBuf>,
    /// Services with status, as `kubectl get svc -A -o yaml` prints them: who already holds which address
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Count only configuration objects of this namespace, and those that name none
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
    /// Take objects that name an absent Secret, without its password
    #[arg(long)]
    pub allow_missing_secrets: bool,
    /// What counts as ready where the input holds no EndpointSlice of a Service
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub endpoints: Endpoints,
    /// Announce also from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers
    #[arg(long)]
    pub ignore_exclude_lb: bool,
    /// Networks of the cluster's Services that no object of the input names: never announced, nor anything around them
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub service_cidr: frr::Blocked,
    /// Networks of Pods that no Node names in spec.podCIDRs; as --service-cidr
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub pod_cidr: frr::Blocked,
    /// Networks that nodes are in, as Nodes name only addresses; as --service-cidr
    #[arg(long, value_name = "CIDR,...", default_value = "", hide_default_value = true)]
    pub node_cidr: frr::Blocked,
    /// Prefixes of a family that a neighbor is sent at most, where its object does not say [default: 20000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_prefixes: Option<u32>,
}

/// What counts as ready where the input holds no EndpointSlice of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Endpoints {
    /// Every node, as is useful for a Git repository
    #[default]
    Assume,
    /// No node, as in a cluster
    Strict,
}

impl From<Endpoints> for plan::Endpoints {
    fn from(endpoints: Endpoints) -> Self {
        match endpoints {
            Endpoints::Assume => Self::Assume,
            Endpoints::Strict => Self::Strict,
        }
    }
}

/// Manifests, read and evaluated.
#[derive(Debug)]
pub struct Evaluated {
    /// What they mean.
    pub evaluation: Evaluation,
    /// How they were judged.
    pub options: plan::Options,
    /// What could not be read as it was meant.
    pub problems: Vec<Problem>,
    /// Where things stand.
    pub index: SourceIndex,
}

/// What was before: the folder that a diff begins with.
#[derive(Debug, Default)]
pub struct Before {
    recorded: Recorded,
    declared: BTreeSet<ServiceKey>,
}

impl Before {
    /// Whether it has the Service: one that it has and its successor has not, was removed.
    fn declares(&self, service: &Service) -> bool {
        let object = &service.meta.object;
        let key = ServiceKey { namespace: object.namespace.clone(), name: object.name.clone() };
        self.declared.contains(&key)
    }
}

impl Judging {
    /// How warnings count.
    pub fn strictness(&self) -> Strictness {
        if self.strict { Strictness::Strict } else { Strictness::Lenient }
    }

    /// How a plan is made from these arguments.
    fn options(&self, node: Option<&str>, frr: frr::Options) -> plan::Options {
        plan::Options {
            model: model::Options {
                allow_missing_secrets: self.allow_missing_secrets,
                assume_node: node.map(Into::into),
                networks: guard::Networks {
                    services: self.service_cidr.0.clone(),
                    pods: self.pod_cidr.0.clone(),
                    nodes: self.node_cidr.0.clone(),
                },
                ..model::Options::default()
            },
            endpoints: self.endpoints.into(),
            ignore_exclude_lb: self.ignore_exclude_lb,
            allocate: Allocate::InMemory,
            held: BTreeSet::new(),
            frr: frr::Options { max_prefixes: self.max_prefixes, ..frr },
        }
    }

    /// Reads manifests and evaluates them, on top of what was `before`. Where they hold no Node,
    /// `node` is one.
    pub fn evaluate(
        &self,
        paths: &[PathBuf],
        node: Option<&str>,
        frr: frr::Options,
        before: &Before,
    ) -> Result<Evaluated, Error> {
        let paths: Vec<PathBuf> = paths.iter().chain(&self.nodes).cloned().collect();
        let taken = input::Options { namespace: self.namespace.as_deref().map(Into::into) };
        // `--node "$NODE"` with NODE unset would print what is meant for no node.
        if let Some(name) = node.filter(|name| !is_node_name(name)) {
            return Err(Error::Usage(format!("{name:?} is no name of a Node")));
        }
        if self.state.as_deref().is_some_and(is_stdin) && paths.iter().any(|path| is_stdin(path)) {
            return Err(Error::Usage("standard input (`-`) can be read only once".to_owned()));
        }
        let texts = herald_source::read(&paths, stdin())?;
        let Parsed { mut snapshot, mut problems, index } = plan::read(texts, &taken);
        let state = input::parse(&herald_source::read(self.state.as_slice(), stdin())?, &taken);
        problems.extend(state.problems);
        plan::adopt(&mut snapshot, &plan::of_services(&state.snapshot.services));
        plan::adopt(&mut snapshot, &before.recorded);
        let others = state.snapshot.services.values().filter(|service| !before.declares(service));
        let held = plan::hold(&mut snapshot, others.cloned().collect());
        let options = plan::Options { held, ..self.options(node, frr) };
        let evaluation = plan::evaluate(&snapshot, &InForce::default(), &options);
        Ok(Evaluated { evaluation, options, problems, index })
    }
}

/// Whether a Node can have the name: a DNS subdomain (RFC 1123), as Kubernetes asks for.
fn is_node_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let label = |label: &str| {
        label.bytes().all(inner) && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Whether the path means standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Evaluated {
    /// The nodes of the input; where it holds none, one for each way in which selectors tell nodes apart.
    pub fn nodes_or_stand_ins(&self) -> Vec<Node> {
        let model = &self.evaluation.model;
        if model.nodes.is_empty() { plan::stand_ins(model) } else { model.nodes.values().cloned().collect() }
    }

    /// What the evaluation of what comes next builds on.
    pub fn before(&self) -> Before {
        let Evaluation { model, outcomes, .. } = &self.evaluation;
        let held = outcomes.iter().filter_map(|(key, outcome)| Some((key, outcome.allocation()?)));
        let recorded = held.map(|(key, held)| (key.clone(), held.ips.clone()));
        Before { recorded: recorded.collect(), declared: model.services.keys().cloned().collect() }
    }

    /// Every problem of `nodes` with its place; and what was assumed, a line each.
    pub fn report(self, on_nodes: Vec<Problem>, nodes: &[Node], strictness: Strictness) -> (Report, String) {
        let Self { evaluation, mut problems, index, .. } = self;
        problems.extend(evaluation.problems);
        problems.extend(on_nodes);
        index.place(&mut problems);
        let assumed =
            evaluation.notes.iter().fold(String::new(), |text, note| text + &format!("note: {note}\n"));
        (Report::new(problems, nodes, strictness), assumed)
    }
}
