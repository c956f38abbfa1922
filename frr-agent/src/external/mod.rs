//! The agent without an FRR of its own: it writes what a frr-k8s of somebody else is to run.

mod serve;
mod writer;

use crate::args::Args;
use crate::conditions::BGP_EXTRAS;
use crate::decide;
use crate::here::{Announced, Here};
use crate::metrics::{self, Metrics};
use crate::report;
use crate::shell::{Heard, Keeper, manifests};
use crate::state::{IN_FORCE, State};
use crate::status::{self, Teller, Told};
use anyhow::{Context, Result, ensure};
use herald_core::external::{self, Passwords, Planned};
use herald_core::input::Parsed;
use herald_core::model::InForce;
use herald_core::plan::{Note, Options};
use herald_core::problem::Problem;
use herald_core::snapshot::{ServiceKey, Snapshot};
use herald_serving::health::Health;
use herald_serving::logs;
use herald_source::kubernetes::connect_both;
use kube::Client;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};
use tracing::{error, info};
use writer::Writer;

/// What is kept between two decisions.
struct Shell {
    node: String,
    passwords: Passwords,
    options: Options,
    in_force: InForce,
    considered: Snapshot,
    here: Here,
    keeper: Keeper,
    writer: Writer,
    announcing: Vec<(ServiceKey, IpAddr)>,
    metrics: Metrics,
    health: Health,
    teller: Teller,
    told: watch::Receiver<Arc<Told>>,
    known_problems: Vec<Problem>,
    known_notes: Vec<Note>,
}

/// Runs until SIGTERM or SIGINT. The object stays as it is.
pub async fn run(args: Args) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let read_again = Arc::new(Notify::new());
    let clients = connect_both(args.endpoint.kubeconfig.as_deref()).await?;
    let client = clients.shared.clone();
    let mut shell = Shell::new(&args, client.clone())?;
    let mut manifests = manifests::watch(&args, Some(clients), read_again.clone())?;
    status::start(&args, client.clone(), shell.told.clone(), None)?;
    let (ask, mut asked) = mpsc::unbounded_channel();
    serve::start(&args, &shell, client, ask)?;
    info!(
        event = "Started",
        node = args.node,
        version = env!("CARGO_PKG_VERSION"),
        backend = "frr-k8s-external"
    );
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            heard = manifests.next() => match heard {
                // Before everything is known nothing is written: what the object says stays in force.
                Some(Heard::Nothing) => info!(event = "SourceAway", node = args.node, "what was written stays"),
                Some(Heard::Parsed(parsed)) => shell.decide(*parsed),
                None => break,
            },
            () = shell.here.changed() => read_again.notify_one(),
            Some(answer) = asked.recv() => {
                // Who asked may have gone.
                let _ = answer.send(shell.announced());
            }
        }
    }
    info!(event = "Stopped", "frr-k8s keeps what it runs");
    Ok(())
}

impl Shell {
    fn new(args: &Args, client: Client) -> Result<Self> {
        let state = State::open(&args.state_dir, None)?;
        let in_force = match state.read(IN_FORCE)? {
            Some(json) => serde_json::from_str(&json).context("state folder: in-force.json")?,
            None => InForce::default(),
        };
        let own = args.own_namespace()?;
        let theirs = Some(args.speaker.frrk8s_namespace.as_str()).filter(|name| !name.is_empty());
        ensure!(
            theirs.is_some() || !args.speaker.frrk8s_secret_passthrough,
            "--frrk8s-secret-passthrough needs --frrk8s-namespace: the Secrets are looked up there"
        );
        let namespace = theirs.or(own.as_deref()).context("give --frrk8s-namespace: where frr-k8s reads")?;
        let is_own = own.as_deref() == Some(namespace);
        let refers = is_own || args.speaker.frrk8s_secret_passthrough;
        let mut options = decide::options(args);
        options.model.allow_missing_secrets = args.speaker.frrk8s_secret_passthrough;
        // Such an object is the agent's own here.
        options.model.ignore_leftovers = false;
        let (teller, told) = Teller::new([].into());
        Ok(Self {
            node: args.node.clone(),
            passwords: if refers { Passwords::Refer } else { Passwords::Write },
            options,
            in_force,
            considered: Snapshot::default(),
            // What the object says already is not asked about.
            here: Here::open(&args.node, &state, Announced::Unknown)?,
            keeper: Keeper::start(state),
            writer: Writer::start(client, namespace, &external::name(&args.node)),
            announcing: Vec::new(),
            metrics: Metrics::new()?,
            health: Health::new(&[metrics::CACHES]),
            teller,
            told,
            known_problems: Vec::new(),
            known_notes: Vec::new(),
        })
    }

    /// decide (pure) -> writer.
    fn decide(&mut self, parsed: Parsed) {
        self.health.ready(metrics::CACHES);
        let Parsed { mut snapshot, problems: of_input, .. } = parsed;
        // An object that cannot be read withdraws nothing.
        snapshot.complete_from(&self.considered);
        logs::follow(snapshot.log_level());
        self.here.look(&mut snapshot, &self.keeper);
        let planned = external::plan(&snapshot, &self.in_force, &self.node, self.passwords, &self.options);
        let Some(Planned { spec, in_force, problems, notes, announcing }) = planned else {
            error!(event = "UnknownNode", node = self.node, "there are Nodes, but not this one");
            return;
        };
        // That it is deprecated and applied is said of it elsewhere; here it is refused.
        let of_input = of_input.into_iter().filter(|problem| problem.reason != BGP_EXTRAS);
        let problems: Vec<Problem> = of_input.chain(problems).collect();
        let new_problems = problems != self.known_problems;
        if new_problems {
            report::problems(&problems, &self.known_problems);
            self.known_problems = problems;
        }
        self.announcing = announcing;
        self.metrics.planned(&self.node, &self.known_problems);
        self.teller.tell(|told| {
            told.planned = true;
            told.configuration = snapshot.configuration.clone();
            if new_problems {
                told.problems = self.known_problems.clone().into();
            }
        });
        if notes != self.known_notes {
            report::notes(&notes, &self.known_notes);
            self.known_notes = notes;
        }
        if in_force != self.in_force {
            self.in_force = in_force;
            self.keeper.save_json(IN_FORCE, &self.in_force);
        }
        self.here.decided(Announced::Prefixes(external::prefixes(&spec)));
        self.considered = snapshot;
        self.writer.write(spec);
    }

    /// The page of what is announced.
    fn announced(&self) -> String {
        let announcing = self.announcing.iter().map(|(service, ip)| (service, *ip));
        metrics::announced(&self.node, announcing, self.here.counts())
    }
}
