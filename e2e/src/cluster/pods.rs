//! What a kubelet does for pods, without one: objects on a node, their status, and a real HTTP server behind each address.

use super::Cluster;
use super::api::{self, Request};
use crate::kube::Kube;
use crate::network::Namespace;
use crate::process::Process;
use crate::wait::wait_for;
use anyhow::{Context, Result, anyhow};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Where a pod's server listens.
pub const PORT: u16 = 8080;
/// Herald's own pods.
const OWN: &str = "/api/v1/namespaces/metallb-system/pods";

/// A pod of the namespace `default` with a server that answers `NAME from CLIENT-ADDRESS`. It is gone with its owner; the
/// object stays until [`Cluster::remove_pod`].
#[derive(Debug)]
pub struct Pod {
    name: String,
    node: u8,
    addresses: [String; 2],
    namespace: Namespace,
    _server: Server,
}

impl Pod {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of its node.
    #[must_use]
    pub const fn node(&self) -> u8 {
        self.node
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/default/pods/{}", self.name)
    }

    fn status(&self, ready: bool) -> Request {
        let status = if ready { "True" } else { "False" };
        let condition = |kind: &str| json!({"type": kind, "status": status});
        let body = json!({"status": {
            "phase": "Running",
            "podIP": self.addresses[0],
            "podIPs": self.addresses.each_ref().map(|ip| json!({"ip": ip})),
            "conditions": [condition("Ready"), condition("ContainersReady")],
        }});
        Request::merge(format!("{}/status", self.path()), body)
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        for (address, length) in self.addresses.iter().zip([24, 64]) {
            // At the end of a lab the namespace may be gone already.
            let _ = self.namespace.ip(&format!("address del {address}/{length} dev eth0"));
        }
    }
}

impl Cluster {
    /// A ready pod on node `node` with the label `app`.
    pub fn pod(&self, name: &str, app: &str, node: u8) -> Result<Pod> {
        let machine = self.node(node);
        let number = machine.next_pod.fetch_add(1, Ordering::Relaxed);
        let addresses = [format!("10.244.{node}.{number}"), format!("fd44:0:{node}::{number}")];
        let namespace = machine.pods.clone();
        namespace.ip(&format!("address add {}/24 dev eth0", addresses[0]))?;
        namespace.ip(&format!("address add {}/64 dev eth0 nodad", addresses[1]))?;
        let server = if self.outlives {
            let mut command = namespace.command("python3");
            command.args(["-c", SERVE, name, &addresses[0], &addresses[1]]);
            let log = machine.frr.folder().join(format!("pod-{name}.log"));
            Server::Program { _process: Process::spawn("a pod's server", command, &log)? }
        } else {
            Server::Thread { _thread: Thread::start(&namespace, name, &addresses)? }
        };
        let pod = Pod { name: name.to_owned(), node, addresses, namespace, _server: server };
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": app}},
            "spec": {
                "nodeName": machine.name,
                "automountServiceAccountToken": false,
                "tolerations": [{"operator": "Exists"}],
                "containers": [{"name": "web", "image": "web", "ports": [{"containerPort": PORT}]}],
            },
        });
        let made = Request::post("/api/v1/namespaces/default/pods".to_owned(), object);
        api::send(&self.kube, vec![made, pod.status(true)])?;
        Ok(pod)
    }

    /// What its readiness probe says from now on.
    pub fn set_ready(&self, pod: &Pod, ready: bool) -> Result<()> {
        api::send(&self.kube, vec![pod.status(ready)]).map(drop)
    }

    /// It is being deleted, and goes on serving: as a pod does between SIGTERM and its end.
    pub fn terminate(&self, pod: &Pod) -> Result<()> {
        api::send(&self.kube, vec![Request::delete(pod.path(), json!({"gracePeriodSeconds": 600}))]).map(drop)
    }

    /// Its end: server and object are gone.
    pub fn remove_pod(&self, pod: Pod) -> Result<()> {
        let path = pod.path();
        drop(pod);
        api::send(&self.kube, vec![Request::delete(path, json!({"gracePeriodSeconds": 0}))]).map(drop)
    }
}

/// The same on addresses argv[2] and argv[3], for a cluster that outlives who started it.
const SERVE: &str = "
import http.server, socket, socketserver, sys, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = f'{sys.argv[1]} from {self.client_address[0]}\\n'.encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(page)))
        self.end_headers()
        self.wfile.write(page)
class Four(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
class Six(Four):
    address_family = socket.AF_INET6
threading.Thread(target=Four((sys.argv[2], 8080), Page).serve_forever).start()
Six((sys.argv[3], 8080), Page).serve_forever()
";

/// An HTTP server on a pod's addresses.
#[derive(Debug)]
enum Server {
    Thread { _thread: Thread },
    Program { _process: Process },
}

/// On a thread of its own.
#[derive(Debug)]
struct Thread {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Thread {
    fn start(namespace: &Namespace, name: &str, addresses: &[String; 2]) -> Result<Self> {
        let (end, ended) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let (namespace, name, addresses) = (namespace.clone(), name.to_owned(), addresses.clone());
        let thread = std::thread::spawn(move || {
            namespace.enter()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                for address in addresses {
                    let address: IpAddr = address.parse()?;
                    let listener = TcpListener::bind((address, PORT)).await;
                    let listener = listener.with_context(|| format!("listen on {address}"))?;
                    tokio::spawn(serve(listener, name.clone()));
                }
                tell.send(())?;
                // The sender is never used, only dropped.
                let _ = ended.await;
                Ok(())
            })
        });
        if told.recv().is_err() {
            let ended = thread.join().map_err(|_| anyhow!("the server panicked"))?;
            return Err(ended.err().unwrap_or_else(|| anyhow!("the server ended")));
        }
        Ok(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.end.take());
        // Its failures were those of who asked.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

async fn serve(listener: TcpListener, name: String) {
    while let Ok((connection, client)) = listener.accept().await {
        let page = format!("{name} from {}\n", client.ip());
        let service = service_fn(move |_| {
            let page = page.clone();
            async move { Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(page)))) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

/// Gives every pod of a `DaemonSet` to the node that it was made for, ready: what scheduler and kubelet do. Returns their names in
/// the order of the nodes.
pub(super) fn place(kube: &Kube, component: &str, nodes: u8) -> Result<Vec<String>> {
    (1..=nodes).map(|number| settle(kube, component, number, None)).collect()
}

/// The pod's end, and the name of the one that comes after it.
pub(super) fn replace(kube: &Kube, component: &str, number: u8, old: &str) -> Result<String> {
    let now = json!({"gracePeriodSeconds": 0});
    api::send(kube, vec![Request::delete(format!("{OWN}/{old}"), now)])?;
    settle(kube, component, number, Some(old))
}

/// Waits for the pod that a `DaemonSet` makes for a node, and gives it to the node.
fn settle(kube: &Kube, component: &str, number: u8, old: Option<&str>) -> Result<String> {
    let (list, node) = (format!("{OWN}?labelSelector=component%3D{component}"), super::name(number));
    let name = wait_for(&format!("{component} has a pod for {node}"), super::LIMIT, || {
        let list = api::send(kube, vec![Request::get(list.clone())])?.remove(0);
        let mut pods = list["items"].as_array().into_iter().flatten();
        let wanted = format!("\"{node}\"");
        let found = pods.find(|pod| {
            pod["spec"]["affinity"].to_string().contains(&wanted) && pod["metadata"]["name"].as_str() != old
        });
        let name = found.and_then(|pod| pod["metadata"]["name"].as_str());
        name.map(str::to_owned).context("there is none")
    })?;
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node}});
    let ips = super::addresses(number);
    let status = json!({"status": {"phase": "Running", "hostIP": ips[0], "podIP": ips[0],
        "podIPs": ips.each_ref().map(|ip| json!({"ip": ip})),
        "conditions": [{"type": "Ready", "status": "True"}]}});
    let requests = vec![
        Request::post(format!("{OWN}/{name}/binding"), binding),
        Request::merge(format!("{OWN}/{name}/status"), status),
    ];
    api::send(kube, requests)?;
    Ok(name)
}
