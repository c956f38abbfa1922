//! What starts, and in which order it ends.

use crate::api::{Api, Writer, make_membership_secret};
use crate::args::{self, ArgsError, WebhookMode};
use crate::certificates::Source;
use crate::lease::{Election, Timings};
use crate::metrics::{Metrics, Page, PageError};
use crate::shell::{CACHES, Shell};
use crate::webhook::{self, CERTIFICATES, Setup, WebhookError};
use herald_core::input::objects::{Keep, Kind, View};
use herald_core::{admission, control, input, model};
use herald_serving::health::Health;
use herald_serving::https::{self, Limits};
use herald_serving::tls;
use herald_source::kubernetes::{ConnectError, Options, Watched, Watches, connect};
use kube::Client;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The longest wait before an API server that does not answer is asked again: there are few controllers.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Why the controller cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The command line.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The TLS flags.
    #[error(transparent)]
    Tls(#[from] tls::FlagError),
    /// There is no way to the API server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The port of the health pages is taken.
    #[error("--health-probe-port={port}: {error}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        error: io::Error,
    },
    /// /metrics cannot be served.
    #[error(transparent)]
    Metrics(#[from] PageError),
    /// Two metrics of one name.
    #[error("metrics: {0}")]
    Names(#[from] prometheus::Error),
    /// The webhooks cannot be served.
    #[error("webhooks: {0}")]
    Webhooks(#[from] WebhookError),
    /// A part of the program failed, which its log says; a new start is better than half of it.
    #[error("a part of the program failed")]
    Failed,
    /// The system gives no signals.
    #[error("signals: {0}")]
    Signals(#[source] io::Error),
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(args: args::Controller) -> Result<(), RunError> {
    args.check()?;
    let namespace = args.own_namespace()?;
    let client = connect(None).await?;
    let (end, ended) = (CancellationToken::new(), signals()?);
    let (allocates, with_webhooks) = work(args.webhook_mode);
    let health = Health::new(if with_webhooks { &[CACHES, CERTIFICATES] } else { &[CACHES] });
    serve_health(&args, &health, &end).await?;
    let metrics = Metrics::new()?;
    serve_metrics(&args, &client, &metrics, &end).await?;
    let (views, seen) = watch::channel(View::default());
    let setup = webhooks(&args, &namespace, &client, seen, &health)?;
    let mut judging = tokio::spawn(judge(with_webhooks, setup, end.clone()));
    let api = Arc::new(Api::new(client.clone(), args.write_deadline, &namespace, &args.deployment).await);
    if allocates && !args.ml_secret_name.is_empty() {
        let (api, namespace, name) = (Arc::clone(&api), namespace.clone(), args.ml_secret_name.clone());
        tokio::spawn(async move { make_membership_secret(&api, &namespace, &name).await });
    }
    let timings = Timings { lease: args.lease_duration, renew: args.lease_renew, write: args.write_deadline };
    let (mut election, standing) = Election::new(client.clone(), &namespace, &args.own_name(), timings);
    let (writer, answers) = Writer::start(api, args.writes.into(), standing.clone());
    let watches = Watches::start(client, watched(&args, &namespace));
    let controller = control::Controller::new(decisions(&args, &namespace));
    let known = CancellationToken::new();
    let leads = known.clone();
    let shell = Shell { watches, views, controller, writer, answers, standing, metrics, health, known };
    let mut deciding = tokio::spawn(shell.run(end.clone()));
    if !args.pprof_bind_address.is_empty() {
        let (address, why) = (&args.pprof_bind_address, "this program has no Go profiles: use perf");
        tracing::warn!(op = "start", address, "--pprof-bind-address: nothing is served there, {why}");
    }
    tracing::info!(op = "start", version = env!("CARGO_PKG_VERSION"), namespace, "started");
    let mut decides = true;
    let outcome = tokio::select! {
        () = ended => Ok(()),
        judged = &mut judging => judged.map_err(|_| RunError::Failed).and_then(|judged| Ok(judged?)),
        _ = &mut deciding => {
            decides = false;
            Err(RunError::Failed)
        }
        () = lead(&mut election, &leads), if allocates => Ok(()),
    };
    tracing::info!(op = "stop", "ending");
    end.cancel();
    // Nothing begins any more; what was begun ends; then another replica may go on at once.
    if decides && let Ok(writer) = deciding.await {
        let answered = writer.finish().await;
        election.let_go(answered).await;
    }
    if !judging.is_finished() {
        // Reviews that were begun get their answers.
        let _ = judging.await;
    }
    outcome
}

/// Serves the webhooks, if they are wanted. Conversion has to be there before anything that is stored in an older version can
/// be listed.
async fn judge(wanted: bool, setup: Setup, end: CancellationToken) -> Result<(), WebhookError> {
    if wanted {
        return webhook::run(setup, end).await;
    }
    end.cancelled().await;
    Ok(())
}

/// Whether to allocate and whether to judge.
const fn work(mode: WebhookMode) -> (bool, bool) {
    match mode {
        WebhookMode::Enabled => (true, true),
        WebhookMode::Disabled => (true, false),
        WebhookMode::Onlywebhook => (false, true),
    }
}

/// Runs for the Lease once everything is known; never ends by itself.
async fn lead(election: &mut Election, known: &CancellationToken) {
    known.cancelled().await;
    election.run().await;
}

fn webhooks(
    args: &args::Controller,
    namespace: &str,
    client: &Client,
    views: watch::Receiver<View>,
    health: &Health,
) -> Result<Setup, RunError> {
    let certificates = if args.disable_cert_rotation {
        Source::Files(args.cert_dir.clone())
    } else {
        Source::Made { service: args.cert_service_name.clone(), secret: args.webhook_secret.clone() }
    };
    Ok(Setup {
        client: client.clone(),
        namespace: namespace.into(),
        certificates,
        http2: args.webhook_http2,
        tls: args.tls.settings()?,
        views,
        options: admission::Options { namespace: Some(namespace.into()), ..admission::Options::default() },
        health: health.clone(),
    })
}

fn decisions(args: &args::Controller, namespace: &str) -> control::Options {
    let lb_class = (!args.lb_class.is_empty()).then(|| args.lb_class.as_str().into());
    control::Options {
        // Which peers have which password is the agents' matter: the controller reads no Secret.
        model: model::Options { lb_class, allow_missing_secrets: true, ..model::Options::default() },
        namespace: namespace.into(),
        reports: args.service_bgp_status,
        ..control::Options::default()
    }
}

/// Everything that decisions and webhooks look at.
fn watched(args: &args::Controller, namespace: &str) -> Options {
    let ours = |kind: Kind| (kind.is_ours() && kind.is_namespaced()).then(|| namespace.to_owned());
    let watched =
        |kind, required| Watched { kind, namespace: ours(kind), fields: None, labels: None, required };
    let required = Kind::PLANNED_FROM.into_iter().chain([Kind::ConfigurationState]);
    let mut all: Vec<Watched> = required.map(|kind| watched(kind, true)).collect();
    // Who does not use frr-k8s' API need not install it.
    all.push(watched(Kind::FrrConfiguration, false));
    all.push(watched(Kind::FrrK8sConfiguration, false));
    // The webhooks tell whether a peer's is there and of the right type. Helm's, which hold whole releases, are never meant.
    let fields = Some("type!=helm.sh/release.v1".to_owned());
    all.push(Watched { namespace: Some(namespace.to_owned()), fields, ..watched(Kind::Secret, false) });
    // What nodes report.
    if args.service_bgp_status {
        all.push(watched(Kind::ServiceBgpStatus, false));
    }
    if !args.frrk8s_selector.is_empty() {
        let (of_frr, labels) = (Some(namespace.to_owned()), Some(args.frrk8s_selector.clone()));
        all.push(Watched { namespace: of_frr, labels, ..watched(Kind::Pod, false) });
        all.push(watched(Kind::FrrNodeState, false));
    }
    Options {
        watched: all,
        wait_for_all: false,
        named_secrets: None,
        input: input::Options { namespace: Some(namespace.into()) },
        keep: Keep { facts: true, plan_only: false },
        longest_wait: LONGEST_WAIT,
    }
}

async fn serve_health(
    args: &args::Controller,
    health: &Health,
    end: &CancellationToken,
) -> Result<(), RunError> {
    let port = args.health_probe_port;
    let listener = https::listen(port).await.map_err(|error| RunError::Listen { port, error })?;
    tokio::spawn(https::serve_plain(
        listener,
        health.router(),
        Limits::default(),
        end.clone().cancelled_owned(),
    ));
    Ok(())
}

async fn serve_metrics(
    args: &args::Controller,
    client: &Client,
    metrics: &Metrics,
    end: &CancellationToken,
) -> Result<(), RunError> {
    if args.port == 0 {
        return Ok(());
    }
    let (folder, name) = (Path::new(&args.metrics_cert_dir), args.own_name());
    let page = Page::open(args.port, &args.tls, folder, &name, metrics.registry(), client.clone()).await?;
    tokio::spawn(page.serve(end.clone().cancelled_owned()));
    Ok(())
}

/// Ends with the first signal that asks for the end.
fn signals() -> Result<impl Future<Output = ()>, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
