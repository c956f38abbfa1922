//! Asks kube-proxy's health ports (Kubernetes, "External traffic policy": 200 while the node has ready endpoints that
//! kube-proxy serves, else 503).

#[cfg(test)]
mod tests;

use herald_core::health_port::{Answer, Question};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// The other end is on this node: what has not answered by then hangs.
const DEADLINE: Duration = Duration::from_millis(250);
/// So many are asked at once: a node that is new may gain thousands of endpoints in one moment.
const AT_ONCE: usize = 32;
/// The start of an answer: `HTTP/1.1 200`.
const STATUS: usize = 12;

/// Asks, in tasks of its own.
#[derive(Debug)]
pub struct Asker {
    answers: mpsc::UnboundedSender<(Question, Answer)>,
    places: Arc<Semaphore>,
}

impl Asker {
    /// Answers go to `answers`.
    pub fn new(answers: mpsc::UnboundedSender<(Question, Answer)>) -> Self {
        Self { answers, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Asks on this node's own addresses and on its loopback: which of them kube-proxy listens on is its own setting
    /// (`--nodeport-addresses`).
    pub fn ask(&self, question: Question, node: &[IpAddr]) {
        let (answers, places) = (self.answers.clone(), self.places.clone());
        let own = node.iter().copied().filter(|address| is_own(*address));
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let addresses: Vec<IpAddr> = own.chain(loopback).collect();
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _place = places.acquire().await;
            let mut answer = Answer::Refused;
            for address in addresses {
                answer = better(answer, one(address, question.port).await);
                if answer == Answer::Serves {
                    break;
                }
            }
            // Nobody waits for it when the agent stops.
            let _ = answers.send((question, answer));
        });
    }
}

/// Whether an address is this node's: another's kube-proxy says nothing of this one.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// Of answers from several addresses, the one that says most.
fn better(one: Answer, other: Answer) -> Answer {
    let rank = |answer| match answer {
        Answer::Serves => 3,
        Answer::NotYet => 2,
        Answer::Silent => 1,
        Answer::Refused => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

async fn one(address: IpAddr, port: u16) -> Answer {
    match timeout(DEADLINE, status(address, port)).await {
        Ok(Ok(status)) if status == *b"HTTP/1.1 200" || status == *b"HTTP/1.0 200" => Answer::Serves,
        Ok(Ok(_)) => Answer::NotYet,
        Ok(Err(why)) if is_nobody(&why) => Answer::Refused,
        Ok(Err(_)) | Err(_) => Answer::Silent,
    }
}

/// Nobody listens, or the address is of a family that the node does not have.
fn is_nobody(why: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, NetworkUnreachable};
    matches!(why.kind(), ConnectionRefused | AddrNotAvailable | NetworkUnreachable)
}

async fn status(address: IpAddr, port: u16) -> io::Result<[u8; STATUS]> {
    let mut stream = TcpStream::connect((address, port)).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut start = [0; STATUS];
    stream.read_exact(&mut start).await?;
    Ok(start)
}
