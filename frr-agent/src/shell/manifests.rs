//! The manifests as events: read now, after each change, and when asked to.

use crate::args::{Args, SourceArg};
use anyhow::Result;
use herald_core::input::{self, Parsed};
use herald_source::{Directory, DirectoryError, Source};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tracing::error;

/// A folder that cannot be read is tried again after this time.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// What the manifests say now; everything that was read meanwhile is one.
pub async fn newest(manifests: &mut mpsc::UnboundedReceiver<Box<Parsed>>) -> Option<Box<Parsed>> {
    let mut parsed = manifests.recv().await?;
    while let Ok(newer) = manifests.try_recv() {
        parsed = newer;
    }
    Some(parsed)
}

/// Reads the manifests now, after each change and when asked to, in a task of its own: a change is not
/// lost when something else happens meanwhile.
pub fn watch(args: &Args, again: Arc<Notify>) -> Result<mpsc::UnboundedReceiver<Box<Parsed>>> {
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
