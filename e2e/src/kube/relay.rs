//! Webhooks by turns: each request goes to the replica that the test names.

use super::operator::join_webhooks;
use super::{Kube, Operator};
use crate::lab::Lab;
use crate::network::Namespace;
use crate::wait::wait_for;
use anyhow::{Context, Result, ensure};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The port of the webhooks in a pod.
const PORT: u16 = 9443;
const SOON: Duration = Duration::from_secs(10);

/// Which replica's it is, and how many connections to it are open.
#[derive(Clone, Default)]
struct Turn {
    replica: usize,
    open: Arc<AtomicUsize>,
}

/// Stands in the webhook Service's endpoints in place of some replicas and leads connections to one of them. It ends with
/// its owner.
pub struct Relay {
    /// Whose; nothing ends it.
    turn: Option<watch::Sender<Turn>>,
    thread: Option<JoinHandle<Result<()>>>,
    _pod: Namespace,
}

impl Relay {
    /// Between the API server and these replicas, at first the first one.
    pub fn between(lab: &Lab, kube: &Kube, replicas: &[&Operator]) -> Result<Self> {
        let (pod, address) = kube.pod(lab, "relay")?;
        let targets = replicas.iter().map(|replica| replica.address().to_owned()).collect();
        let (turn, turned) = watch::channel(Turn::default());
        let thread = std::thread::spawn({
            let pod = pod.clone();
            move || {
                pod.enter()?;
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).context("listen")?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(serve(listener, targets, turned))
            }
        });
        join_webhooks(&kube.kubectl, "webhooks-relay", &address)?;
        replicas.iter().try_for_each(|replica| replica.leave_webhooks())?;
        Ok(Self { turn: Some(turn), thread: Some(thread), _pod: pod })
    }

    /// From now on that replica is asked: connections to others end. Call it while no request is under way.
    pub fn turn_to(&self, replica: usize) -> Result<()> {
        let turn = self.turn.as_ref().context("it runs")?;
        let before = turn.send_replace(Turn { replica, ..Turn::default() });
        wait_for("connections end", SOON, || {
            let open = before.open.load(Ordering::SeqCst);
            ensure!(open == 0, "{open} are open");
            Ok(())
        })?;
        // The API server hears of it, too.
        sleep(Duration::from_millis(20));
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.turn.take());
        // Its failures were those of who asked.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: TcpListener, targets: Vec<String>, mut turn: watch::Receiver<Turn>) -> Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let connection = tokio::select! {
            changed = turn.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return Ok(()),
            },
            accepted = listener.accept() => accepted?.0,
        };
        let Turn { replica, open } = turn.borrow_and_update().clone();
        open.fetch_add(1, Ordering::SeqCst);
        let target = targets.get(replica).context("no such replica")?.clone();
        tokio::spawn(lead(connection, target, turn.clone(), open));
    }
}

/// Until either side ends, or it is another one's turn.
async fn lead(mut from: TcpStream, target: String, mut turn: watch::Receiver<Turn>, open: Arc<AtomicUsize>) {
    let copied = async {
        let mut to = TcpStream::connect((target, PORT)).await?;
        tokio::io::copy_bidirectional(&mut from, &mut to).await
    };
    tokio::select! {
        _ = copied => {}
        _ = turn.changed() => {}
    }
    drop(from);
    open.fetch_sub(1, Ordering::SeqCst);
}
