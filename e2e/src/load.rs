//! Requests at a steady rate: each over a connection of its own, each with a deadline, each failure with its time and cause.
//! A thread of its own in the client's namespace, so that what it tells has the clock of who disturbs it.

use crate::network::Namespace;
use crate::ports;
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout_at};

/// How often it looks how many requests are due.
const STEP: Duration = Duration::from_millis(4);
/// An answer that takes longer is counted as slow: a packet was lost and sent again (RFC 6298, 1 s at first).
const SLOW: Duration = Duration::from_millis(900);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The address, and the port.
    pub to: SocketAddr,
    /// The client's own addresses, by turns.
    pub from: Vec<IpAddr>,
    /// Requests a second.
    pub rate: u32,
    /// A request without its whole answer after this time has failed.
    pub deadline: Duration,
}

/// A request that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When it began.
    pub at: Instant,
    /// The client's address.
    pub from: IpAddr,
    /// How long it lasted.
    pub took: Duration,
    /// In which phase, and why.
    pub why: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When the first request was made.
    pub began: Instant,
    /// How long requests were made.
    pub lasted: Duration,
    /// Requests that the rate and the time ask for.
    pub due: u64,
    /// Requests that got the whole page, by the pod that answered.
    pub served: BTreeMap<String, u64>,
    /// When those of them began that took as long as a lost packet takes.
    pub slow: Vec<Instant>,
    /// The slowest of them.
    pub slowest: Duration,
    /// Requests that did not.
    pub failed: Vec<Failure>,
}

impl Outcome {
    /// Requests that got the whole page.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.served.values().sum()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answered, failed, seconds) = (self.answered(), self.failed.len(), self.lasted.as_secs_f64());
        write!(out, "{} requests due in {seconds:.1} s: {answered} served, {failed} failed, ", self.due)?;
        write!(
            out,
            "{} took over {SLOW:?}, the slowest {:?}; {:?}",
            self.slow.len(),
            self.slowest,
            self.served
        )
    }
}

/// Requests that are being made.
#[derive(Debug)]
pub struct Load {
    end: oneshot::Sender<()>,
    thread: JoinHandle<Result<Outcome>>,
}

impl Load {
    /// Begins.
    pub fn start(client: &Namespace, ask: Ask) -> Result<Self> {
        // A port is free again long before its turn comes.
        client.run("sysctl", &["-qw", "net.ipv4.ip_local_port_range=10000 65000"])?;
        let (end, ended) = oneshot::channel();
        let client = client.clone();
        let thread = std::thread::spawn(move || {
            client.enter()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(make(ask, ended))
        });
        Ok(Self { end, thread })
    }

    /// Makes no more, and waits for those under way.
    pub fn stop(self) -> Result<Outcome> {
        // One that has ended says why below.
        let _ = self.end.send(());
        self.thread.join().map_err(|_| anyhow!("who makes requests panicked"))?
    }
}

type Answer = (Instant, IpAddr, Duration, Result<String, String>);

async fn make(ask: Ask, mut ended: oneshot::Receiver<()>) -> Result<Outcome> {
    let began = Instant::now();
    let mut outcome = Outcome {
        began,
        lasted: Duration::ZERO,
        due: 0,
        served: BTreeMap::new(),
        slow: Vec::new(),
        slowest: Duration::ZERO,
        failed: Vec::new(),
    };
    let (mut under_way, mut sources) = (JoinSet::new(), ask.from.iter().copied().cycle());
    let mut step = interval(STEP);
    step.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            _ = &mut ended => break,
            _ = step.tick() => {}
            Some(answer) = under_way.join_next() => {
                outcome.take(answer?);
                continue;
            }
        }
        outcome.lasted = began.elapsed();
        let due = outcome.lasted.as_micros() * u128::from(ask.rate) / 1_000_000;
        while u128::from(outcome.due) < due {
            let from = sources.next().context("the client has no address")?;
            under_way.spawn(one(ask.to, from, ask.deadline));
            outcome.due += 1;
        }
    }
    while let Some(answer) = under_way.join_next().await {
        outcome.take(answer?);
    }
    Ok(outcome)
}

impl Outcome {
    fn take(&mut self, (at, from, took, page): Answer) {
        match page {
            Ok(pod) => {
                *self.served.entry(pod).or_default() += 1;
                self.slow.extend((took > SLOW).then_some(at));
                self.slowest = self.slowest.max(took);
            }
            Err(why) => self.failed.push(Failure { at, from, took, why }),
        }
    }
}

/// A request, and the name of the pod that answered.
async fn one(to: SocketAddr, from: IpAddr, deadline: Duration) -> Answer {
    let at = Instant::now();
    let mut phase = "connect";
    let asked = timeout_at((at + deadline).into(), page(to, from, &mut phase)).await;
    let page = match asked {
        Ok(Ok(page)) => name(&page).map(str::to_owned).ok_or_else(|| format!("no page: {page:?}")),
        Ok(Err(why)) => Err(format!("{phase}: {why}")),
        Err(_) => Err(format!("{phase}: not within {deadline:?}")),
    };
    (at, from, at.elapsed(), page)
}

/// Everything that the server says until it closes the connection. A server that has said all may end it as it likes.
async fn page(to: SocketAddr, from: IpAddr, phase: &mut &'static str) -> io::Result<String> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(from, ports::next()))?;
    let mut connection = socket.connect(to).await?;
    *phase = "send";
    connection.write_all(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").await?;
    *phase = "receive";
    let mut bytes = Vec::with_capacity(256);
    loop {
        match connection.read_buf(&mut bytes).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) if name(&String::from_utf8_lossy(&bytes)).is_some() => break,
            Err(why) => return Err(why),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The pod that sent a whole page: `NAME from CLIENT-ADDRESS` and a line's end.
fn name(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let whole = head.starts_with("HTTP/1.1 200 ") && body.ends_with('\n');
    body.split_once(" from ").map(|(name, _)| name).filter(|_| whole)
}
