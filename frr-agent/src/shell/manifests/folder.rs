//! The manifests of a folder.

use anyhow::Result;
use herald_core::input::{self, Parsed};
use herald_source::{Directory, DirectoryError, Source};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tracing::error;

/// A folder that cannot be read is tried again after this time.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Reads the manifests now, after each change and when asked to.
pub fn watch(
    folder: &Path,
    options: input::Options,
    again: Arc<Notify>,
) -> Result<mpsc::UnboundedReceiver<Box<Parsed>>> {
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
