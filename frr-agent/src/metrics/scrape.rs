//! Asks FRR when a page is asked for; two pages within a second are answered by one asking.

use super::frr::{self, Answers, Naming};
use crate::sockets;
use crate::vty::{BFDD, BGPD, Vty, VtyError};
use herald_frr::config::FrrConfig;
use herald_frr::show::{self, ShowError};
use nix::errno::Errno;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tracing::error;

/// An answer is good for this long.
const FRESH: Duration = Duration::from_secs(1);
/// FRR has this long to answer: Prometheus waits 10 s.
const DEADLINE: Duration = Duration::from_secs(3);
/// The daemons of frr-k8s' liveness.
const DAEMONS: [&str; 5] = ["bfdd", "bgpd", "staticd", "watchfrr", "zebra"];

/// FRR, as those who scrape see it. Clones are the same.
#[derive(Clone)]
pub struct Scraper {
    vty: Vty,
    config: watch::Receiver<Arc<FrrConfig>>,
    last: Arc<Mutex<Last<Answers>>>,
    alive: Arc<Mutex<Last<Alive>>>,
}

/// What was answered last, and when.
#[derive(Debug)]
struct Last<T> {
    answer: Option<(Instant, Arc<T>)>,
    /// What failed last: told once, not with each scrape.
    told: String,
}

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self { answer: None, told: String::new() }
    }
}

impl<T> Last<T> {
    fn fresh(&self) -> Option<Arc<T>> {
        let (at, answer) = self.answer.as_ref()?;
        (at.elapsed() < FRESH).then(|| answer.clone())
    }

    fn keep(&mut self, answer: Arc<T>, failed: &[String]) {
        let failed = failed.join("; ");
        if failed != self.told && !failed.is_empty() {
            error!(event = "ScrapeFailed", error = failed, "what FRR did not answer has no samples");
        }
        self.told = failed;
        self.answer = Some((Instant::now(), answer));
    }
}

/// Whether FRR's daemons run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alive {
    /// All of them.
    All,
    /// Not these.
    Missing(Vec<&'static str>),
    /// These run and do not answer.
    Hung(Vec<String>),
}

impl Scraper {
    /// Asks the daemons at `vty`, which were given `config`.
    #[must_use]
    pub fn new(vty: &Vty, config: watch::Receiver<Arc<FrrConfig>>) -> Self {
        let vty = Vty { deadline: vty.deadline.min(DEADLINE), ..vty.clone() };
        Self { vty, config, last: Arc::default(), alive: Arc::default() }
    }

    /// FRR's counters as a page.
    pub async fn page(&self, naming: Naming) -> String {
        let answers = self.answers().await;
        let config = self.config.borrow().clone();
        frr::page(&answers, &config, naming)
    }

    /// Who asks while FRR is being asked waits for the same answer.
    async fn answers(&self) -> Arc<Answers> {
        let mut last = self.last.lock().await;
        if let Some(fresh) = last.fresh() {
            return fresh;
        }
        let vty = self.vty.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&vty)).await;
        let (answers, failed) = asked.unwrap_or_else(|why| (Answers::default(), vec![why.to_string()]));
        let answers = Arc::new(answers);
        last.keep(answers.clone(), &failed);
        answers
    }

    /// Whether FRR's daemons run.
    pub async fn alive(&self) -> Alive {
        let mut last = self.alive.lock().await;
        if let Some(fresh) = last.fresh() {
            return Alive::clone(&fresh);
        }
        let vty = self.vty.clone();
        let looked = tokio::task::spawn_blocking(move || look(&vty)).await;
        let alive = looked.unwrap_or_else(|why| Alive::Hung(vec![why.to_string()]));
        last.keep(Arc::new(alive.clone()), &[]);
        alive
    }
}

fn look(vty: &Vty) -> Alive {
    let runs = |name: &&str| matches!(sockets::knock(&vty.folder, name), Ok(_) | Err(Errno::EAGAIN));
    let missing: Vec<&str> = DAEMONS.into_iter().filter(|name| !runs(name)).collect();
    if !missing.is_empty() {
        return Alive::Missing(missing);
    }
    let hung = sockets::silent(&vty.folder);
    if hung.is_empty() { Alive::All } else { Alive::Hung(hung) }
}

/// All questions, and what failed of them.
fn ask(vty: &Vty) -> (Answers, Vec<String>) {
    let mut asking = vty.asking();
    let mut failed = Vec::new();
    let mut read = |daemon, command| match asking.ask(daemon, command) {
        Ok(text) => Some(text),
        Err(why) => {
            failed.push(why);
            None
        }
    };
    let sessions = read(BGPD, show::NEIGHBORS);
    let bfd = read(BFDD, show::BFD);
    // A daemon that failed once is not asked again.
    let counters = bfd.as_ref().and_then(|_| read(BFDD, show::BFD_COUNTERS));
    let answers = Answers {
        sessions: sessions.and_then(|text| usable(show::neighbors(&text), &mut failed)),
        bfd: bfd.and_then(|text| usable(show::bfd(&text), &mut failed)),
        bfd_counters: counters.and_then(|text| usable(show::bfd_counters(&text), &mut failed)),
    };
    (answers, failed.iter().map(ToString::to_string).collect())
}

fn usable<T: Default>(read: Result<T, ShowError>, failed: &mut Vec<VtyError>) -> Option<T> {
    match read {
        Ok(answer) => Some(answer),
        // No BGP is configured yet: nothing to count.
        Err(ShowError::Warned(_)) => Some(T::default()),
        Err(why) => {
            failed.push(why.into());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    /// A daemon that gives every command this answer; how often it was connected to.
    fn daemon(folder: &Path, name: &str, answer: &'static str) -> Arc<AtomicUsize> {
        let listener = UnixListener::bind(folder.join(format!("{name}.vty"))).unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    let mut byte = [1];
                    while stream.read_exact(&mut byte).is_ok() {
                        let whole = format!("{answer}\0\0\0\0");
                        if byte == [0] && stream.write_all(whole.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        connections
    }

    fn scraper(folder: &Path) -> (Scraper, watch::Sender<Arc<FrrConfig>>) {
        let (sender, config) = watch::channel(Arc::default());
        let vty = Vty { folder: folder.to_owned(), deadline: Duration::from_secs(30) };
        (Scraper::new(&vty, config), sender)
    }

    const SESSION: &str = r#"{"default": {"192.0.2.1": {"bgpState": "Established"}}}"#;

    #[tokio::test]
    async fn pages_within_a_second_cost_one_asking() {
        let folder = tempfile::tempdir().unwrap();
        let connections = daemon(folder.path(), "bgpd", SESSION);
        let (scraper, _sender) = scraper(folder.path());
        let both = tokio::join!(scraper.page(Naming::Metallb), scraper.page(Naming::Frrk8s));
        assert!(
            both.0.contains("metallb_bgp_session_up{peer=\"192.0.2.1:179\",vrf=\"default\"} 1\n"),
            "{both:?}"
        );
        assert!(both.1.contains("frrk8s_bgp_session_up{peer=\"192.0.2.1\",vrf=\"default\"} 1\n"), "{both:?}");
        assert!(!both.0.contains("_bfd_"), "bfdd does not run");
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        tokio::time::sleep(FRESH).await;
        scraper.page(Naming::Metallb).await;
        assert_eq!(connections.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn daemons_are_there_or_missing_or_hang() {
        let folder = tempfile::tempdir().unwrap();
        let (one, _sender) = scraper(folder.path());
        assert_eq!(one.alive().await, Alive::Missing(DAEMONS.to_vec()));
        for name in DAEMONS {
            daemon(folder.path(), name, "");
        }
        assert_eq!(one.alive().await, Alive::Missing(DAEMONS.to_vec()), "a second has not passed");
        let (two, _sender) = scraper(folder.path());
        assert_eq!(two.alive().await, Alive::All);
        // It accepts and never answers.
        let _hangs = UnixListener::bind(folder.path().join("mgmtd.vty")).unwrap();
        let (three, _sender) = scraper(folder.path());
        assert_eq!(three.alive().await, Alive::Hung(vec!["mgmtd".to_owned()]));
    }
}
