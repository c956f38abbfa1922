//! The loop: waits for what happens, gives it to the machine, does what the machine says.

use crate::args::{Args, Owns, SourceArg};
use crate::decide::{self, Decider};
use crate::machine::{Input, Machine, Output, RefusedLine, Report};
use crate::quarantine::Quarantine;
use crate::report;
use crate::sockets::Daemons;
use crate::state::State;
use crate::vtysh::Vtysh;
use anyhow::{Context, Result};
use herald_core::input::{self, Parsed};
use herald_core::model::InForce;
use herald_core::plan::Note;
use herald_core::problem::Problem;
use herald_core::snapshot::Snapshot;
use herald_frr::diff::Scope;
use herald_frr::running;
use herald_source::{Directory, DirectoryError, Source};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tracing::{error, info};

/// A folder that cannot be read is tried again after this time.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// One thing that the loop waits for.
enum Event {
    Source(Box<Parsed>),
    Frr(bool),
    Due,
    Stop,
}

struct Shell {
    node: String,
    decider: Decider,
    /// Asks for the manifests once more.
    read_again: Arc<Notify>,
    machine: Machine,
    vtysh: Vtysh,
    state: State,
    /// What the last decision put in force.
    in_force: InForce,
    /// What was in force when FRR last took everything.
    taken: InForce,
    considered: Snapshot,
    quarantine: Quarantine,
    known_problems: Vec<Problem>,
    known_notes: Vec<Note>,
}

/// Runs until SIGTERM or SIGINT. FRR keeps what it runs.
pub async fn run(args: Args) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut shell = Shell::new(&args)?;
    let mut manifests = watch_manifests(&args, shell.read_again.clone())?;
    let mut daemons = watch_daemons(&args);
    info!(event = "Started", node = args.node, version = env!("CARGO_PKG_VERSION"));
    loop {
        let due = shell.machine.wake_at();
        let event = tokio::select! {
            _ = terminate.recv() => Event::Stop,
            _ = interrupt.recv() => Event::Stop,
            up = daemons.recv() => up.map_or(Event::Stop, Event::Frr),
            parsed = newest(&mut manifests) => parsed.map_or(Event::Stop, Event::Source),
            () = sleep_until(due) => Event::Due,
        };
        match event {
            Event::Stop => break,
            Event::Frr(true) => shell.happened(Input::FrrUp),
            Event::Frr(false) => shell.happened(Input::FrrDown),
            Event::Due => shell.happened(Input::Due),
            Event::Source(parsed) => shell.decide(*parsed),
        }
    }
    info!(event = "Stopped", "FRR keeps what it runs");
    Ok(())
}

/// What the manifests say now; everything that was read while an apply ran is one.
async fn newest(manifests: &mut mpsc::UnboundedReceiver<Box<Parsed>>) -> Option<Box<Parsed>> {
    let mut parsed = manifests.recv().await?;
    while let Ok(newer) = manifests.try_recv() {
        parsed = newer;
    }
    Some(parsed)
}

/// Reads the manifests now, after each change and when asked to, in a task of its own: a change is not
/// lost when something else happens meanwhile.
fn watch_manifests(args: &Args, again: Arc<Notify>) -> Result<mpsc::UnboundedReceiver<Box<Parsed>>> {
    let SourceArg::Folder(folder) = &args.source;
    let options = input::Options { namespace: args.namespace.as_deref().map(Into::into) };
    let mut source = Directory::new(folder, options)?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut last_failure = String::new();
        loop {
            let read = async {
                if sender.send(Box::new(source.snapshot().await?)).is_err() {
                    return Ok(false);
                }
                tokio::select! {
                    changed = source.changed() => changed?,
                    () = again.notified() => {}
                }
                Ok::<bool, DirectoryError>(true)
            };
            match read.await {
                Ok(true) => last_failure.clear(),
                Ok(false) => return,
                Err(why) => {
                    if why.to_string() != last_failure {
                        last_failure = why.to_string();
                        error!(event = "SourceFailed", error = last_failure, "what was planned before stays");
                    }
                    tokio::time::sleep(READ_AGAIN).await;
                }
            }
        }
    });
    Ok(receiver)
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn watch_daemons(args: &Args) -> mpsc::UnboundedReceiver<bool> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let daemons = Daemons { folder: args.vty_dir.clone(), names: args.daemons.clone() };
    thread::spawn(move || daemons.watch(|up| sender.send(up).is_ok()));
    receiver
}

impl Shell {
    fn new(args: &Args) -> Result<Self> {
        let state = State::open(&args.state_dir)?;
        let last_good = state.last_good()?;
        let in_force = match state.in_force()? {
            Some(json) => serde_json::from_str(&json).context("state folder: in-force.json")?,
            None => InForce::default(),
        };
        let scope = match args.owns {
            Owns::Named => Scope::Host,
            Owns::All => Scope::Shipped,
        };
        Ok(Self {
            node: args.node.clone(),
            decider: Decider::new(&args.node, decide::options(args)),
            read_again: Arc::new(Notify::new()),
            machine: Machine::new(scope, last_good),
            vtysh: Vtysh {
                program: args.vtysh.clone(),
                arguments: args.vtysh_arg.clone(),
                folder: state.lines_folder(),
                deadline: Duration::from_secs(args.deadline),
            },
            state,
            taken: in_force.clone(),
            in_force,
            considered: Snapshot::default(),
            quarantine: Quarantine::default(),
            known_problems: Vec::new(),
            known_notes: Vec::new(),
        })
    }

    /// decide (pure) -> machine.
    fn decide(&mut self, mut parsed: Parsed) {
        // A typing error in a file withdraws nothing.
        parsed.snapshot.complete_from(&self.considered);
        self.quarantine.hold(&mut parsed.snapshot, &self.taken);
        let decision = self.decider.decide(parsed, &self.in_force);
        let Some(decision) = decision else {
            error!(event = "UnknownNode", node = self.node, "the manifests hold Nodes, but not this one");
            return;
        };
        if decision.problems != self.known_problems {
            report::problems(&decision.problems);
            self.known_problems = decision.problems;
        }
        if decision.notes != self.known_notes {
            report::notes(&decision.notes);
            self.known_notes = decision.notes;
        }
        self.in_force = decision.in_force;
        self.considered = decision.considered;
        self.happened(Input::Wanted(decision.wanted));
    }

    /// Gives the machine what happened, does what it says, and tells it what came of it, to the end.
    fn happened(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.machine.step(Instant::now(), input) {
                inputs.extend(self.perform(output));
            }
        }
    }

    /// All of the agent's effects (I/O).
    fn perform(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Read => {
                let text = self.vtysh.running_config().map_err(|why| why.to_string());
                Some(Input::Running(text.map(|text| running::parse(&text))))
            }
            Output::Apply(plan) => {
                Some(Input::Applied(self.vtysh.apply(&plan).map_err(|why| why.to_string())))
            }
            Output::Keep(config) => {
                if let Err(why) = self.state.keep_last_good(&config) {
                    error!(event = "StateFailed", error = %why);
                }
                None
            }
            Output::Report(what) => {
                report::report(&what);
                match what {
                    Report::InSync | Report::Applied { .. } => self.everything_taken(),
                    Report::Refused(lines) => self.hold_back(&lines),
                    _ => {}
                }
                None
            }
        }
    }

    /// The objects behind refused lines go back to the form that FRR took last; all else goes on.
    fn hold_back(&mut self, lines: &[RefusedLine]) {
        if self.quarantine.add(lines, &self.considered) {
            self.in_force = self.taken.clone();
            self.read_again.notify_one();
        }
    }

    fn everything_taken(&mut self) {
        if self.taken == self.in_force {
            return;
        }
        self.taken = self.in_force.clone();
        let json = serde_json::to_string(&self.taken).map_err(|why| why.to_string());
        let kept = json.and_then(|json| self.state.keep_in_force(&json).map_err(|why| why.to_string()));
        if let Err(why) = kept {
            error!(event = "StateFailed", error = why);
        }
    }
}
