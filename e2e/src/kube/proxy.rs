//! A proxy in front of the API server that holds requests back, loses them or their answers, ends who asked in the middle
//! of it, and spoils watches.

use super::lines::{self, Answer, Line, Lines};
use super::{ADDRESS, Kube};
use ::kube::client::Body;
use ::kube::{Client, Config};
use anyhow::{Context, Result, anyhow};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes through.
    Pass,
    /// It reaches the API server after this time, also when who asked has given up by then.
    Late(Duration),
    /// It reaches the API server; the connection ends instead of an answer.
    Unanswered,
    /// It never reaches the API server; the connection ends.
    Lost,
    /// The process of this id, who asked, is killed, and the request never reaches the API server.
    KilledBefore(u32),
    /// The process of this id, who asked, is killed once the API server has answered.
    KilledAfter(u32),
}

type Rule = Box<dyn FnMut(&str, &str) -> Fate + Send>;
type Rules = (Arc<Mutex<Rule>>, Arc<Mutex<Lines>>);

/// A running proxy, in the API server's namespace. It ends with its owner.
pub struct Proxy {
    address: SocketAddr,
    rule: Arc<Mutex<Rule>>,
    lines: Arc<Mutex<Lines>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Proxy {
    /// Starts one that lets everything through.
    pub fn start(kube: &Kube) -> Result<Self> {
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_, _| Fate::Pass)));
        let lines: Arc<Mutex<Lines>> = Arc::new(Mutex::new(Box::new(|_| Line::Pass)));
        let (end, ended) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn({
            let namespace = kube.namespace().clone();
            let rules = (Arc::clone(&rule), Arc::clone(&lines));
            move || {
                namespace.enter()?;
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).context("listen")?;
                tell.send(listener.local_addr()?.port())?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(serve(listener, rules, ended))
            }
        });
        let Ok(port) = told.recv() else {
            let ended = thread.join().map_err(|_| anyhow!("the proxy panicked"))?;
            return Err(ended.err().unwrap_or_else(|| anyhow!("the proxy ended")));
        };
        let address = SocketAddr::new(ADDRESS.parse()?, port);
        Ok(Self { address, rule, lines, end: Some(end), thread: Some(thread) })
    }

    /// From now on `rule` decides: it is given a request's method and path with query.
    pub fn rule(&self, rule: impl FnMut(&str, &str) -> Fate + Send + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// From now on `rule` decides what becomes of every line of a watch: it is given the request's path with query.
    pub fn lines(&self, rule: impl FnMut(&str) -> Line + Send + 'static) {
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// A `ServiceAccount`'s kubeconfig that leads through this proxy.
    pub fn kubeconfig(&self, kube: &Kube, namespace: &str, name: &str) -> Result<PathBuf> {
        kube.kubeconfig_of(namespace, name, &format!("http://{}", self.address))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.end.take());
        // Its failures were those of who asked.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: TcpListener, rules: Rules, mut end: oneshot::Receiver<()>) -> Result<()> {
    let mut config = Config::new("https://127.0.0.1:6443".parse()?);
    config.accept_invalid_certs = true;
    (config.read_timeout, config.default_retry) = (None, false);
    let client = Client::try_from(config)?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let connection = tokio::select! {
            // The sender is never used, only dropped.
            _ = &mut end => return Ok(()),
            accepted = listener.accept() => accepted?.0,
        };
        let (client, rules) = (client.clone(), rules.clone());
        let service = service_fn(move |request| answer(client.clone(), rules.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

/// Decides, and forwards in a task of its own: who asked may leave, the request still arrives.
async fn answer(client: Client, rules: Rules, request: Request<Incoming>) -> Result<Response<Answer>> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let (rule, lines) = rules;
    let fate = {
        let mut rule = rule.lock().unwrap_or_else(PoisonError::into_inner);
        rule(request.method().as_str(), &target)
    };
    match fate {
        Fate::Lost => return Err(anyhow!("lost")),
        Fate::KilledBefore(id) => return Err(killed(id)),
        _ => {}
    }
    let forwarded = tokio::spawn(async move {
        let answer = forward(client, request, fate).await;
        // Also when who asked has given up.
        if let Fate::KilledAfter(id) = fate { Err(killed(id)) } else { answer }
    });
    let answer = forwarded.await?;
    match fate {
        Fate::Unanswered => Err(anyhow!("the answer is lost")),
        _ if target.contains("watch=") => Ok(answer?.map(|body| lines::spoiled(body, target, lines))),
        _ => Ok(answer?.map(|body| body.map_err(Into::into).boxed_unsync())),
    }
}

async fn forward(client: Client, request: Request<Incoming>, fate: Fate) -> Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if let Fate::Late(time) = fate {
        sleep(time).await;
    }
    Ok(client.send(Request::from_parts(head, Body::from(body))).await?)
}

/// Ends a process as a crash would. It is a child that has not been waited for, so the id is still its own.
fn killed(id: u32) -> anyhow::Error {
    let Ok(raw) = i32::try_from(id) else { return anyhow!("{id} is no process id") };
    match kill(Pid::from_raw(raw), Signal::SIGKILL) {
        Ok(()) => anyhow!("{id} was killed"),
        Err(why) => anyhow!("{id} cannot be killed: {why}"),
    }
}
