//! The loop: waits for what happens, gives it to the machine, does what the machine says.

mod commits;
mod effects;
mod keeper;
pub mod manifests;
mod runner;
mod serve;

use crate::args::{Args, Owns};
use crate::conditions::Conditions;
use crate::decide::{self, Decider};
use crate::here::{Announced, Here};
use crate::history::{History, Recorder};
use crate::leftover::Leftovers;
use crate::live;
use crate::machine::{Failure, Input, Machine, Start};
use crate::metrics::{self, Metrics};
use crate::quarantine::Quarantine;
use crate::report;
use crate::sockets::Daemons;
use crate::state::{Boot, IN_FORCE, LIVE, QUARANTINE, State};
use crate::status::{self, Teller, Told};
use crate::vty::Vty;
use crate::vtysh::{Hold, Runs, Vtysh};
use anyhow::{Context, Result, ensure};
use commits::Commits;
use herald_core::input::Parsed;
use herald_core::model::InForce;
use herald_core::plan::Note;
use herald_core::problem::Problem;
use herald_core::snapshot::Snapshot;
use herald_frr::config::FrrConfig;
use herald_frr::diff::{Scope, Session};
use herald_serving::health::Health;
use herald_serving::logs;
pub use keeper::Keeper;
use kube::Client;
pub use manifests::Heard;
use runner::Runner;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tracing::{error, info, warn};

/// One thing that the loop waits for.
#[derive(Debug)]
enum Event {
    Source(Box<Parsed>),
    /// The source is away since the start.
    Away,
    Happened(Input),
    /// Sessions that are Established, as FRR said at this time.
    Sessions(Instant, Result<BTreeSet<Session>, Failure>),
    /// Sessions that were Established before an edit on trial that is applied now.
    Before(BTreeSet<Session>),
    /// The time of an edit is over.
    Look,
    /// What the node knows of itself changed.
    Here,
    /// What is announced is asked for, as a page of metrics.
    Announced(oneshot::Sender<String>),
    Stop,
}

/// What was in force when a configuration was decided.
struct Decided {
    wanted: Arc<FrrConfig>,
    in_force: Arc<InForce>,
}

struct Shell {
    node: String,
    decider: Decider,
    /// Asks for the manifests once more.
    read_again: Arc<Notify>,
    machine: Machine,
    /// What the last run applied, until the first decision.
    last_good: Option<Arc<FrrConfig>>,
    runner: Runner,
    keeper: Keeper,
    /// What the last decision put in force.
    in_force: Arc<InForce>,
    /// Decisions that FRR has not taken yet, the newest last.
    decided: VecDeque<Decided>,
    /// What was in force when FRR last took everything.
    taken: Arc<InForce>,
    /// What FRR has taken whole, for those who look at FRR.
    given: watch::Sender<Arc<FrrConfig>>,
    /// What they see there.
    facts: watch::Receiver<Arc<live::Facts>>,
    /// What only the loop knows, for those who write about the node.
    teller: Teller,
    told: watch::Receiver<Arc<Told>>,
    vtysh: Vtysh,
    considered: Snapshot,
    quarantine: Quarantine,
    recorder: Recorder,
    commits: Commits,
    conditions: Conditions,
    here: Here,
    leftovers: Leftovers,
    metrics: Metrics,
    health: Health,
    vty: Vty,
    /// `None` before the first decision: what an earlier run of the agent said may be over.
    known_problems: Option<Vec<Problem>>,
    known_notes: Vec<Note>,
}

/// Runs until SIGTERM or SIGINT. FRR keeps what it runs.
pub async fn run(args: Args) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (answer, mut answers) = mpsc::unbounded_channel();
    let clients = manifests::clients(&args).await?;
    let shared = clients.as_ref().map(|clients| clients.shared.clone());
    let mut shell = Shell::new(&args, shared.clone(), &answer)?;
    let mut manifests = manifests::watch(&args, clients, shell.read_again.clone())?;
    if let Some(client) = shared.clone() {
        let frr = status::OwnFrr { vtysh: shell.vtysh.clone(), facts: shell.facts.clone() };
        status::start(&args, client, shell.told.clone(), Some(frr))?;
    }
    serve::start(&args, &shell, shared, &answer).await?;
    watch_daemons(&args, answer);
    info!(event = "Started", node = args.node, version = env!("CARGO_PKG_VERSION"));
    loop {
        let due = shell.machine.wake_at();
        let look = shell.commits.wake_at();
        let event = tokio::select! {
            // What FRR says comes first: it decides what may be done with all else.
            biased;
            _ = terminate.recv() => Event::Stop,
            _ = interrupt.recv() => Event::Stop,
            answer = answers.recv() => answer.unwrap_or(Event::Stop),
            heard = manifests.next() => match heard {
                Some(Heard::Parsed(parsed)) => Event::Source(parsed),
                Some(Heard::Nothing) => Event::Away,
                None => Event::Stop,
            },
            () = sleep_until(due) => Event::Happened(Input::Due),
            () = sleep_until(look) => Event::Look,
            () = shell.here.changed() => Event::Here,
        };
        match event {
            Event::Stop => break,
            Event::Happened(input) => shell.happened(input),
            Event::Source(parsed) => shell.decide(*parsed),
            Event::Away => shell.keep_last_good(),
            Event::Sessions(seen, answer) => shell.looked(seen, answer),
            Event::Before(established) => shell.before(established),
            Event::Look => shell.look_at_sessions(),
            Event::Here => shell.read_again.notify_one(),
            Event::Announced(asked) => {
                // Who asked may have gone.
                let announcing = shell.decider.announcing();
                let _ = asked.send(metrics::announced(&shell.node, announcing, shell.here.counts()));
            }
        }
    }
    info!(event = "Stopped", "FRR keeps what it runs");
    Ok(())
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn watch_daemons(args: &Args, events: mpsc::UnboundedSender<Event>) {
    let daemons = Daemons { folder: args.vty_dir.clone(), names: args.daemons.clone() };
    let input = |up| if up { Input::FrrUp } else { Input::FrrDown };
    let hold = Hold::open(&args.state_dir, &args.vtysh);
    // A full disk must not keep the agent from starting.
    let hold = hold.inspect_err(|why| report::state_failed(why)).ok();
    let deadline = Duration::from_secs(args.deadline);
    thread::spawn(move || {
        // Nothing is begun before FRR is said to be up, so nothing is read while somebody else's vtysh goes on.
        if let Some(hold) = &hold {
            hold.take(deadline);
        }
        daemons.watch(|up| events.send(Event::Happened(input(up))).is_ok());
    });
}

impl Shell {
    fn new(args: &Args, client: Option<Client>, answers: &mpsc::UnboundedSender<Event>) -> Result<Self> {
        let boot = boot(args)?;
        let base = boot.as_ref().map(Boot::base).unwrap_or_default().lines().map(str::trim);
        let base = base.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let state = State::open(&args.state_dir, boot)?;
        let in_force: Arc<InForce> = saved(&state, IN_FORCE)?;
        let quarantine: Quarantine = saved(&state, QUARANTINE)?;
        let (commits, conditions) = (Commits::open(&state, &in_force)?, Conditions::open(&state)?);
        let scope = match args.owns {
            Owns::Named => Scope::Host,
            Owns::All => Scope::Shipped,
        };
        let (last_run, given) = state.given()?;
        let last_good = state.last_good()?.map(Arc::new);
        let mut options = decide::options(args);
        options.frr.in_force.clone_from(&last_good);
        // What was announced last may not all be kept: after a restart nobody is held back.
        let restarted = last_good.is_some();
        let announced = if restarted { Announced::Unknown } else { Announced::Config(Arc::default()) };
        let here = Here::open(&args.node, &state, announced)?;
        let kept = last_good.clone();
        let start = Start { scope, base, drift: args.drift.into(), last_good: kept, given, last_run };
        let (vtysh, vty) = reach(args);
        let folder = args.state_dir.join(herald_core::history::FOLDER);
        let history = History::open(&folder, &args.node, args.history_size << 20);
        let (given, config) = watch::channel(Arc::default());
        let facts = live::spawn(vty.clone(), config, args.state_dir.join(LIVE));
        let (teller, told) = Teller::new(conditions.standing(|object| quarantine.holds(object)));
        Ok(Self {
            recorder: Recorder::new(history, &args.node, in_force.clone()),
            node: args.node.clone(),
            decider: Decider::new(&args.node, options),
            read_again: Arc::new(Notify::new()),
            machine: Machine::new(start),
            last_good,
            runner: Runner::start(&vtysh, &vty, &state, answers),
            keeper: Keeper::start(state),
            taken: in_force.clone(),
            given,
            facts,
            teller,
            told,
            vtysh,
            in_force,
            decided: VecDeque::new(),
            considered: Snapshot::default(),
            quarantine,
            commits,
            conditions,
            here,
            leftovers: Leftovers::new(&args.node, client),
            metrics: Metrics::new()?,
            vty,
            health: Health::new(&[metrics::CACHES, serve::FRR]),
            known_problems: None,
            known_notes: Vec::new(),
        })
    }

    /// Nobody says what is wanted: what was applied last is.
    fn keep_last_good(&mut self) {
        let Some(config) = self.last_good.take() else {
            warn!(
                event = "SourceAway",
                node = self.node,
                "nothing was applied before; waiting for what is wanted"
            );
            return;
        };
        warn!(event = "SourceAway", node = self.node, "what was applied last stays in force");
        self.happened(Input::Wanted(config));
    }

    /// decide (pure) -> machine.
    fn decide(&mut self, mut parsed: Parsed) {
        let event = Instant::now();
        self.health.ready(metrics::CACHES);
        // A typing error in a file withdraws nothing.
        parsed.snapshot.complete_from(&self.considered);
        logs::follow(parsed.snapshot.log_level());
        self.recorder.saw(&parsed.snapshot);
        if self.quarantine.hold(&mut parsed.snapshot, &self.taken) {
            self.save_quarantine();
            self.tell_conditions();
        }
        self.here.look(&mut parsed.snapshot, &self.keeper);
        let decision = self.decider.decide(parsed, &self.in_force);
        let Some(decision) = decision else {
            error!(event = "UnknownNode", node = self.node, "the manifests hold Nodes, but not this one");
            return;
        };
        let new_problems = self.known_problems.as_ref() != Some(&decision.problems);
        if new_problems {
            report::problems(&decision.problems, self.known_problems.as_deref().unwrap_or_default());
            if self.conditions.said(&decision.problems, &report::now()) {
                self.save_conditions();
            }
        }
        let problems = self.known_problems.insert(decision.problems);
        self.teller.tell(|told| {
            told.planned = true;
            (told.offered, told.sessions) = (decision.offered, decision.sessions);
            told.configuration = decision.considered.configuration.clone();
            if new_problems {
                told.problems = problems.clone().into();
            }
        });
        if decision.notes != self.known_notes {
            report::notes(&decision.notes, &self.known_notes);
            self.known_notes = decision.notes;
        }
        if decision.in_force != self.in_force {
            self.in_force = decision.in_force;
        }
        self.considered = decision.considered;
        self.last_good = None;
        let (wanted, in_force) = (decision.wanted.clone(), self.in_force.clone());
        self.recorder.decided(&wanted);
        self.here.decided(Announced::Config(wanted.clone()));
        self.metrics.decided(&self.node, &wanted, problems, event);
        // What the machine let go of will never be taken: an FRR that is away for long must not fill the memory.
        self.decided.retain(|decided| Arc::strong_count(&decided.wanted) > 1);
        self.decided.push_back(Decided { wanted, in_force });
        if Arc::ptr_eq(&*self.given.borrow(), &decision.wanted) {
            self.leftovers.applied(&self.considered);
        }
        self.happened(Input::Wanted(decision.wanted));
    }

    /// Gives the machine what happened, and does what it says.
    fn happened(&mut self, input: Input) {
        match input {
            Input::FrrUp => {
                self.health.ready(serve::FRR);
                self.commits.frr(true);
            }
            Input::FrrDown => {
                self.commits.frr(false);
                self.runner.end();
            }
            _ => {}
        }
        for output in self.machine.step(Instant::now(), input) {
            self.perform(output);
        }
    }
}

/// What the last run of the agent left in a file of the state folder, if it is there.
fn saved<T: DeserializeOwned + Default>(state: &State, name: &str) -> Result<T> {
    match state.read(name)? {
        Some(json) => serde_json::from_str(&json).with_context(|| format!("state folder: {name}")),
        None => Ok(T::default()),
    }
}

/// How FRR is reached: to change it, and to ask it.
fn reach(args: &Args) -> (Vtysh, Vty) {
    let vtysh = Vtysh {
        program: args.vtysh.clone(),
        arguments: args.vtysh_arg.clone(),
        sockets: args.vty_dir.clone(),
        deadline: Duration::from_secs(args.deadline),
        runs: Runs::default(),
        round: None,
    };
    let vty = Vty { folder: vtysh.sockets.clone(), deadline: vtysh.deadline };
    (vtysh, vty)
}

fn boot(args: &Args) -> Result<Option<Boot>> {
    let Some(path) = &args.boot_file else { return Ok(None) };
    ensure!(
        args.owns == Owns::All,
        "--boot-file needs --owns=all: the file would take the place of what others configure in this FRR"
    );
    Ok(Some(Boot::new(path, args.base_file.as_deref())?))
}
