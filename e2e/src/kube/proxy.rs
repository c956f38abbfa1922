//! A proxy in front of the API server that holds requests back, or loses them or their answers.

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
}

type Rule = Box<dyn FnMut(&str, &str) -> Fate + Send>;

/// A running proxy, in the API server's namespace. It ends with its owner.
pub struct Proxy {
    address: SocketAddr,
    rule: Arc<Mutex<Rule>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Proxy {
    /// Starts one that lets everything through.
    pub fn start(kube: &Kube) -> Result<Self> {
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_, _| Fate::Pass)));
        let (end, ended) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn({
            let (namespace, rule) = (kube.namespace().clone(), Arc::clone(&rule));
            move || {
                namespace.enter()?;
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).context("listen")?;
                tell.send(listener.local_addr()?.port())?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(serve(listener, rule, ended))
            }
        });
        let Ok(port) = told.recv() else {
            let ended = thread.join().map_err(|_| anyhow!("the proxy panicked"))?;
            return Err(ended.err().unwrap_or_else(|| anyhow!("the proxy ended")));
        };
        let address = SocketAddr::new(ADDRESS.parse()?, port);
        Ok(Self { address, rule, end: Some(end), thread: Some(thread) })
    }

    /// From now on `rule` decides: it is given a request's method and path with query.
    pub fn rule(&self, rule: impl FnMut(&str, &str) -> Fate + Send + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
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

async fn serve(listener: TcpListener, rule: Arc<Mutex<Rule>>, mut end: oneshot::Receiver<()>) -> Result<()> {
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
        let (client, rule) = (client.clone(), Arc::clone(&rule));
        let service = service_fn(move |request| answer(client.clone(), Arc::clone(&rule), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

/// Decides, and forwards in a task of its own: who asked may leave, the request still arrives.
async fn answer(
    client: Client,
    rule: Arc<Mutex<Rule>>,
    request: Request<Incoming>,
) -> Result<Response<Body>> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let fate = {
        let mut rule = rule.lock().unwrap_or_else(PoisonError::into_inner);
        rule(request.method().as_str(), target)
    };
    if fate == Fate::Lost {
        return Err(anyhow!("lost"));
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let forwarded = tokio::spawn(async move {
        if let Fate::Late(time) = fate {
            sleep(time).await;
        }
        client.send(Request::from_parts(head, Body::from(body))).await
    });
    let answer = forwarded.await?;
    if fate == Fate::Unanswered {
        return Err(anyhow!("the answer is lost"));
    }
    Ok(answer?)
}
