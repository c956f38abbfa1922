//! The agent's HTTPS endpoint.

use crate::exit::Error;
use herald_core::history::{Answer, Entry};
use http::{Request, StatusCode, Uri};
use k8s_openapi::api::core::v1::Node;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Where agents listen unless they are told otherwise.
const PORT: u16 = 7474;

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);

/// How to reach an agent and to say who asks.
#[derive(Debug, clap::Args)]
pub struct Access {
    /// File with the bearer token to show
    #[arg(long, value_name = "FILE", conflicts_with = "state_dir")]
    token_file: Option<PathBuf>,
    /// File with the certificates (PEM) that the agent's is held against
    #[arg(long, value_name = "FILE", conflicts_with = "state_dir")]
    ca_file: Option<PathBuf>,
    /// Kubeconfig to find the Node and the token with; by default the one that kubectl takes
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Port of the agents
    #[arg(long, value_name = "PORT", default_value_t = PORT, conflicts_with_all = ["server", "state_dir"])]
    port: u16,
}

/// An agent.
pub struct Agent {
    runtime: Runtime,
    client: Client,
    /// For messages.
    url: String,
    node: String,
}

impl Agent {
    /// The agent at `server`, or on the node that the cluster's API knows. Nothing is asked of it yet.
    pub fn connect(node: &str, server: Option<&str>, access: Access) -> Result<Self, Error> {
        let Access { token_file, ca_file, kubeconfig, context, port } = access;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut config = match server {
            Some(url) => Config::new(https(url)?),
            None => runtime.block_on(on_node(node, port, kubeconfig.as_deref(), context))?,
        };
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(ANSWER);
        // An agent that lets nobody in says why: that is an answer, not something to wait out.
        config.default_retry = false;
        if let Some(file) = &token_file {
            let token = read(file)?.trim().to_owned();
            config.auth_info = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
        }
        if let Some(file) = ca_file {
            config.root_cert = None;
            config.root_cert_file = Some(file);
        }
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let wrap = |why: kube::Error| Error::Usage(format!("{url}: {}", causes(&why)));
        let client = {
            let _in_runtime = runtime.enter();
            Client::try_from(config).map_err(wrap)?
        };
        Ok(Self { runtime, client, url, node: node.to_owned() })
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let Self { url, node, .. } = self;
        let answer: Answer = serde_json::from_str(&self.get("/history")?)
            .map_err(|why| Error::Usage(format!("{url}/history: {why}")))?;
        if answer.node != *node {
            return Err(Error::Usage(format!("{url} is the agent of node {}, not of {node}", answer.node)));
        }
        Ok(answer.entries)
    }

    /// The `frr.conf` of a revision.
    pub fn config(&self, revision: u64) -> Result<String, Error> {
        self.get(&format!("/config?rev={revision}"))
    }

    fn get(&self, path: &str) -> Result<String, Error> {
        let url = &self.url;
        self.runtime.block_on(async {
            let broken = |why: &dyn std::error::Error| {
                Error::Usage(format!("the agent at {url} does not answer: {}", causes(why)))
            };
            let request = Request::get(path)
                .body(Body::empty())
                .map_err(|why| Error::Usage(format!("{url}{path}: {why}")))?;
            let response = self.client.send(request).await.map_err(|why| broken(&why))?;
            let status = response.status();
            let bytes = response.into_body().collect_bytes().await.map_err(|why| broken(&why))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if status.is_success() { Ok(text) } else { Err(refusal(url, status, &text)) }
        })
    }
}

/// What the agent said, with what helps.
fn refusal(url: &str, status: StatusCode, text: &str) -> Error {
    let said = text.trim();
    Error::Usage(match status {
        StatusCode::UNAUTHORIZED => format!(
            "the agent at {url} does not know who asks (401): {said}; give a bearer token that the cluster's API knows \
             (kubectl create token SERVICEACCOUNT) by --token-file"
        ),
        _ => format!("the agent at {url} answers {}: {said}", status.as_u16()),
    })
}

fn https(url: &str) -> Result<Uri, Error> {
    let uri: Uri = url.parse().map_err(|why| Error::Usage(format!("--server {url}: {why}")))?;
    if uri.scheme_str() != Some("https") || uri.host().is_none() {
        return Err(Error::Usage(format!("--server {url}: must be https://HOST:PORT")));
    }
    Ok(uri)
}

/// The agent's address by the cluster's API, and who asks by the kubeconfig.
async fn on_node(
    node: &str,
    port: u16,
    kubeconfig: Option<&Path>,
    context: Option<String>,
) -> Result<Config, Error> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let of_cluster = match kubeconfig {
        Some(file) => {
            let named = |why| Error::Usage(format!("{}: {}", file.display(), causes(&why)));
            Config::from_custom_kubeconfig(Kubeconfig::read_from(file).map_err(named)?, &options)
                .await
                .map_err(named)?
        }
        None => Config::from_kubeconfig(&options).await.map_err(|why| {
            Error::Usage(format!(
                "no kubeconfig: {}; give --kubeconfig FILE, --server URL, or --state-dir DIR on the node itself",
                causes(&why)
            ))
        })?,
    };
    let url = of_cluster.cluster_url.to_string();
    let asked = |why: &dyn std::error::Error| Error::Usage(format!("Node {node} at {url}: {}", causes(why)));
    let client = Client::try_from(of_cluster.clone()).map_err(|why| asked(&why))?;
    let found = Api::<Node>::all(client).get(node).await.map_err(|why| asked(&why))?;
    let address = internal_ip(&found)
        .ok_or_else(|| Error::Usage(format!("Node {node} has no InternalIP; give --server URL")))?;
    let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let mut config = Config::new(https(&format!("https://{host}:{port}"))?);
    config.auth_info = of_cluster.auth_info;
    config.root_cert = of_cluster.root_cert;
    config.root_cert_file = of_cluster.root_cert_file;
    // The agent's certificate says the node's name, whichever address it is reached at.
    config.tls_server_name = Some(node.to_owned());
    Ok(config)
}

fn internal_ip(node: &Node) -> Option<IpAddr> {
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    addresses
        .iter()
        .filter(|address| address.type_ == "InternalIP")
        .find_map(|address| address.address.parse().ok())
}

fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|source| Error::Open { path: file.to_owned(), source })
}

/// An error and what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
