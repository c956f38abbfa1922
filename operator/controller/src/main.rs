//! The operator of a cluster: gives out addresses and judges objects before they are stored.

mod certificates;
// The program that shows them is not here yet.
#[cfg(test)]
#[expect(dead_code, unused_imports)]
mod metrics;
mod migrate;
mod webhook;

use certificates::Source;
use clap::Parser;
use herald_core::admission;
use herald_core::input;
use herald_core::input::objects::{Keep, Kind, View};
use herald_serving::health::Health;
use herald_serving::{https, logs, tls};
use herald_source::kubernetes::{Options, Watched, Watches, connect};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Parser)]
#[command(name = "herald-operator", version)]
enum Cli {
    /// Judge objects before they are stored
    Controller(Controller),
}

#[derive(Debug, clap::Args)]
struct Controller {
    #[arg(long, default_value_t = 9120)]
    port: u16,
    #[arg(long, env = "METALLB_NAMESPACE", default_value = "metallb-system")]
    namespace: String,
    #[arg(long, value_enum, default_value_t)]
    log_level: logs::LogLevel,
    #[arg(long, default_value_t = 17472)]
    health_probe_port: u16,
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    disable_cert_rotation: bool,
    #[arg(long, default_value = "/tmp/k8s-webhook-server/serving-certs")]
    cert_dir: PathBuf,
    #[arg(long, default_value = "metallb-webhook-service")]
    cert_service_name: String,
    #[arg(long, default_value = "metallb-webhook-cert")]
    webhook_secret: String,
    #[arg(long, default_value = "onlywebhook")]
    webhook_mode: String,
    #[arg(long, default_missing_value = "true", default_value_t = false, num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    webhook_http2: bool,
    #[command(flatten)]
    tls: tls::Flags,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Cli::Controller(args) = Cli::parse();
    logs::init(args.log_level);
    let client = connect().await?;
    let health = Health::new(&[webhook::CERTIFICATES]);
    let (sender, views) = watch::channel(View::default());
    let mut watches = Watches::start(client.clone(), watched(&args.namespace));
    tokio::spawn(async move {
        loop {
            sender.send_replace(watches.next().await);
        }
    });
    let listener = TcpListener::bind(("0.0.0.0", args.health_probe_port)).await?;
    let pages =
        https::serve_plain(listener, health.router(), https::Limits::default(), std::future::pending());
    tokio::spawn(pages);
    let certificates = if args.disable_cert_rotation {
        Source::Files(args.cert_dir)
    } else {
        Source::Made { service: args.cert_service_name, secret: args.webhook_secret }
    };
    let namespace = args.namespace.as_str().into();
    let options =
        admission::Options { namespace: Some(args.namespace.as_str().into()), ..Default::default() };
    let tls = args.tls.settings()?;
    let http2 = args.webhook_http2;
    let end = CancellationToken::new();
    let setup = webhook::Setup { client, namespace, certificates, http2, tls, views, options, health };
    Ok(webhook::run(setup, end).await?)
}

fn watched(namespace: &str) -> Options {
    let own = |kind| Watched { kind, namespace: Some(namespace.to_owned()), fields: None, required: false };
    let all = |kind| Watched { kind, namespace: None, fields: None, required: false };
    let watched = [
        own(Kind::IpAddressPool),
        own(Kind::L2Advertisement),
        own(Kind::BgpAdvertisement),
        own(Kind::BgpPeer),
        own(Kind::BfdProfile),
        own(Kind::Community),
        own(Kind::Secret),
        all(Kind::FrrConfiguration),
        all(Kind::Node),
        all(Kind::Namespace),
    ];
    Options {
        watched: watched.to_vec(),
        input: input::Options::default(),
        keep: Keep::default(),
        longest_wait: Duration::from_secs(5),
    }
}
