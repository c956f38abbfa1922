//! The objects of an API server.

use herald_core::input::objects::{Keep, Kind};
use herald_core::input::{self, Parsed};
use herald_source::kubernetes::{Clients, Options, Watched, Watches};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// The longest wait before an API server that does not answer is asked again: there is an agent on every node.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// An API server may not know them; one that does is waited for.
const OPTIONAL: [Kind; 3] = [Kind::FrrConfiguration, Kind::FrrK8sConfiguration, Kind::ServiceCidr];

/// Watches the API server. Nothing comes before everything is known; what is known stays while it is away.
pub fn watch(
    clients: Clients,
    namespace: &str,
    input: input::Options,
    again: Arc<Notify>,
) -> mpsc::UnboundedReceiver<Box<Parsed>> {
    let mut watches = Watches::start(clients, options(namespace, input));
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut last: Option<Parsed> = None;
        loop {
            let parsed = tokio::select! {
                view = watches.next() => Some(view.parsed),
                () = again.notified() => last.clone(),
            };
            let Some(parsed) = parsed else { continue };
            if sender.send(Box::new(parsed.clone())).is_err() {
                return;
            }
            last = Some(parsed);
        }
    });
    receiver
}

fn options(namespace: &str, input: input::Options) -> Options {
    let watched = |kind: Kind, required| Watched {
        kind,
        namespace: kind.is_ours().then(|| namespace.to_owned()),
        fields: None,
        labels: None,
        required,
    };
    let required = Kind::PLANNED_FROM.into_iter().map(|kind| watched(kind, true));
    let optional = OPTIONAL.into_iter().map(|kind| watched(kind, false));
    let extras = Watched {
        kind: Kind::ConfigMap,
        namespace: Some(namespace.to_owned()),
        fields: Some("metadata.name=bgpextras".to_owned()),
        labels: None,
        required: false,
    };
    Options {
        watched: required.chain(optional).chain([extras]).collect(),
        // What is optional and there is as much a part of the plan: without it, it would be taken away.
        wait_for_all: true,
        named_secrets: Some(namespace.to_owned()),
        input,
        keep: Keep { facts: false, plan_only: true },
        longest_wait: LONGEST_WAIT,
    }
}
