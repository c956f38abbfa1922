//! The clock and FRR's daemons: a task of its own, which nothing waits for.

use super::event::Event;
use super::facts::Facts;
use super::observer::{Moment, Observer};
use super::question::{Answer, Question};
use crate::vty::Vty;
use herald_frr::config::FrrConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tracing::error;

/// Looks at FRR for as long as `config` has a sender; that is what FRR was given last. Facts are also
/// written to `file` when more than ages and times of them changes.
pub fn spawn(
    vty: Vty,
    mut config: watch::Receiver<Arc<FrrConfig>>,
    file: PathBuf,
) -> watch::Receiver<Arc<Facts>> {
    let (sender, receiver) = watch::channel(Arc::default());
    let mut written = Facts::default();
    tokio::spawn(async move {
        let mut observer = Observer::new(Instant::now());
        observer.configured(Instant::now(), config.borrow_and_update().clone());
        let mut more = true;
        while more {
            tokio::select! {
                changed = config.changed() => {
                    more = changed.is_ok();
                    observer.configured(Instant::now(), config.borrow_and_update().clone());
                }
                () = tokio::time::sleep_until(observer.wake_at().into()) => {
                    let questions = observer.ask(Instant::now());
                    match run(&vty, questions).await {
                        Ok(answers) => observer.answered(moment(), answers).iter().for_each(Event::log),
                        Err(why) => observer.failed(why),
                    }
                    let facts = Arc::new(observer.facts());
                    if facts.ageless() != written {
                        written = facts.ageless();
                        write(&file, &facts).await;
                    }
                    sender.send_replace(facts);
                }
            }
        }
    });
    receiver
}

/// In one step, so that a reader never sees half of it. It outlives nothing, so it is not synced.
async fn write(file: &Path, facts: &Facts) {
    let new = file.with_extension("new");
    let written = async {
        tokio::fs::write(&new, serde_json::to_vec_pretty(facts)?).await?;
        tokio::fs::rename(&new, file).await
    };
    if let Err(why) = written.await {
        error!(event = "StateFailed", file = %file.display(), error = %why);
    }
}

fn moment() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { at: Instant::now(), seconds: since.as_secs() }
}

/// Asks outside of the threads that others need.
async fn run(vty: &Vty, questions: Vec<Question>) -> Result<Vec<Answer>, String> {
    let vty = vty.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let mut asking = vty.asking();
        let mut answer = |question: Question| {
            let text = asking.ask(question.daemon(), &question.command()).map_err(|why| why.to_string())?;
            question.read(&text).map_err(|why| why.to_string())
        };
        questions.into_iter().map(&mut answer).collect()
    });
    asked.await.map_err(|why| why.to_string())?
}
