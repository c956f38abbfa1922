//! The agent's endpoint behind a real API server: who may read the history, and who may not.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Agent, Frr, Herald, Kube, Lab, Namespace, Release, wait_for};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
const SERVER: &str = "https://127.0.0.1:7474";

const MANIFESTS: &str = "
apiVersion: v1
kind: Node
metadata: {name: node1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: tor, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 172.30.0.2, password: s3cret}
";

/// What a network team is granted: to read, and to find a node's address.
const READER: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: herald-reader}
rules:
  - {nonResourceURLs: [/history, /config, /status], verbs: [get]}
  - {apiGroups: [''], resources: [nodes], verbs: [get]}
";

/// A node with FRR, agent and API server, which reach each other by the loopback interface.
struct Cluster {
    node: Namespace,
    frr: Frr,
    agent: Agent,
    kube: Kube,
    herald: Herald,
    folder: PathBuf,
    _lab: Lab,
}

impl Cluster {
    fn start() -> Result<Self> {
        let lab = Lab::new()?;
        let node = lab.namespace("node1")?;
        let folder = lab.folder("site")?;
        let frr = Frr::start(&lab, &node, Release::V10, "")?;
        let kube = Kube::start_in(&lab, node.clone())?;
        fs::write(folder.join("manifests.yaml"), MANIFESTS)?;
        // As in a pod: the agent trusts the cluster's certificate, and has no other.
        let certificate = frr.inside(&kube.certificate())?;
        // Of the loopback's names it has this one.
        let authority =
            format!("certificate-authority: {}, tls-server-name: localhost", certificate.display());
        let own =
            fs::read_to_string(kube.kubeconfig())?.replace("insecure-skip-tls-verify: true", &authority);
        ensure!(own.contains(&authority), "{own}");
        let kubeconfig = lab.folder("agent")?.join("kubeconfig");
        fs::write(&kubeconfig, own)?;
        let kubeconfig = frr.inside(&kubeconfig)?.display().to_string();
        let more = ["--listen", "127.0.0.1:7474", "--kubeconfig", &kubeconfig];
        let agent = Agent::start_with(&frr, "node1", &folder, &more)?;
        Ok(Self { node, frr, agent, kube, herald: Herald::new()?, folder: lab.folder("tokens")?, _lab: lab })
    }

    /// The token of a new account, in a file.
    fn token(&self, account: &str) -> Result<String> {
        self.kube.run(&["create", "serviceaccount", account, "--namespace", "default"])?;
        let token = self.kube.run(&["create", "token", account, "--namespace", "default"])?;
        self.file(account, token.trim())
    }

    fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    fn certificate(&self) -> String {
        self.frr.folder().join("herald-state/endpoint.crt").display().to_string()
    }

    fn ask(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.node.command(&self.herald.path().display().to_string());
        command.args(arguments).stdin(Stdio::null()).output().context("start herald")
    }

    /// `herald history` with a token.
    fn history(&self, token: &str) -> Result<Output> {
        let certificate = self.certificate();
        self.ask(&["history", "node1", "--server", SERVER, "--token-file", token, "--ca-file", &certificate])
    }

    fn refused(&self, token: &str, words: &str) -> Result<()> {
        let done = self.history(token)?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.code() == Some(2) && said.contains(words), "{words}: {} {said}", done.status);
        ensure!(done.stdout.is_empty());
        Ok(())
    }
}

// One test, so that one server serves all of it.
#[test]
fn who_may_read_the_history_is_what_the_cluster_says() -> Result<()> {
    let mut cluster = Cluster::start()?;
    wait_for("the agent listens", LIMIT, || {
        ensure!(cluster.agent.log().contains("\"event\":\"Listening\""), "it does not");
        Ok(())
    })
    .with_context(|| cluster.agent.log())?;
    let reader = cluster.token("reader")?;
    let stranger = cluster.token("stranger")?;
    let late = cluster.token("late")?;
    let nobody = cluster.file("nobody", "no.such.token")?;
    cluster.refused(&stranger, "system:serviceaccount:default:stranger may not get /history")?;
    cluster.refused(&stranger, "answers 403")?;
    cluster.refused(&nobody, "does not know who asks (401)")?;
    let role = cluster.file("role.yaml", READER)?;
    cluster.kube.run(&["apply", "--filename", &role])?;
    for account in ["reader", "late"] {
        let subject = format!("--serviceaccount=default:{account}");
        cluster.kube.run(&[
            "create",
            "clusterrolebinding",
            account,
            "--clusterrole=herald-reader",
            &subject,
        ])?;
    }
    the_reader_sees_it(&cluster, &reader)?;
    the_kubeconfig_leads_there(&cluster, &reader)?;
    the_status_is_live(&cluster, &reader)?;
    only_health_is_open(&cluster)?;
    // Without the API nobody new is let in.
    cluster.kube.stop()?;
    cluster.refused(&late, "the cluster's API cannot be asked")?;
    let log = cluster.agent.log();
    for token in [&reader, &stranger, &late] {
        ensure!(!log.contains(&fs::read_to_string(token)?), "a token is in the log");
    }
    ensure!(!log.contains("PRIVATE KEY") && !log.contains("s3cret"), "a secret is in the log");
    Ok(())
}

fn the_reader_sees_it(cluster: &Cluster, reader: &str) -> Result<()> {
    wait_for("the history is served", LIMIT, || {
        let done = cluster.history(reader)?;
        let (list, said) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(done.status.success() && list.contains("BGPPeer metallb-system/tor"), "{list}{said}");
        Ok(())
    })
    .with_context(|| cluster.agent.log())?;
    let (certificate, state) = (cluster.certificate(), cluster.frr.folder().join("herald-state"));
    let remote = ["show", "node1", "--server", SERVER, "--token-file", reader, "--ca-file", &certificate];
    let remote = cluster.ask(&remote)?;
    let local = cluster.ask(&["show", "node1", "--state-dir", &state.display().to_string()])?;
    let text = String::from_utf8_lossy(&remote.stdout);
    ensure!(text.contains("password <masked>") && !text.contains("s3cret"), "{text}");
    ensure!(remote.stdout == local.stdout, "from the endpoint:\n{text}");
    let other = ["history", "node2", "--server", SERVER, "--token-file", reader, "--ca-file", &certificate];
    let said = String::from_utf8_lossy(&cluster.ask(&other)?.stderr).into_owned();
    ensure!(said.contains("is the agent of node node1, not of node2"), "{said}");
    // A certificate that nobody vouches for gets no token.
    let unknown = cluster.ask(&["history", "node1", "--server", SERVER, "--token-file", reader])?;
    let said = String::from_utf8_lossy(&unknown.stderr);
    ensure!(unknown.status.code() == Some(2) && said.contains("does not answer"), "{said}");
    Ok(())
}

fn the_kubeconfig_leads_there(cluster: &Cluster, reader: &str) -> Result<()> {
    let node = cluster.file("node.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: node1}\n")?;
    cluster.kube.run(&["apply", "--filename", &node])?;
    let address = r#"{"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}}"#;
    cluster.kube.run(&["patch", "node", "node1", "--subresource=status", "--patch", address])?;
    let admin = fs::read_to_string(cluster.kube.kubeconfig())?;
    let token = fs::read_to_string(reader)?;
    let own = admin.replace("user: {token: lab}", &format!("user: {{token: {token}}}"));
    ensure!(own.contains(&token), "{admin}");
    let (own, certificate) = (cluster.file("kubeconfig", &own)?, cluster.certificate());
    let found = cluster.ask(&["history", "node1", "--kubeconfig", &own, "--ca-file", &certificate])?;
    let said = String::from_utf8_lossy(&found.stderr);
    ensure!(found.status.success(), "{said}");
    ensure!(String::from_utf8_lossy(&found.stdout).contains("BGPPeer metallb-system/tor"));
    let absent = cluster.ask(&["history", "node9", "--kubeconfig", &own, "--ca-file", &certificate])?;
    let said = String::from_utf8_lossy(&absent.stderr);
    ensure!(absent.status.code() == Some(2) && said.contains("\"node9\" not found"), "{said}");
    Ok(())
}

/// Conditions and live facts in one value, and no password in it or in any other answer.
fn the_status_is_live(cluster: &Cluster, reader: &str) -> Result<()> {
    let (certificate, token) = (cluster.certificate(), fs::read_to_string(reader)?);
    let authorization = format!("Authorization: Bearer {token}");
    let get = |path: &str| {
        let url = format!("{SERVER}{path}");
        let arguments = [
            "--silent",
            "--fail",
            "--max-time",
            "20",
            "--cacert",
            &certificate,
            "--header",
            &authorization,
            &url,
        ];
        let answer = cluster.node.run("curl", &arguments)?;
        ensure!(!answer.contains("s3cret"), "the password is in {path}: {answer}");
        Ok(answer)
    };
    wait_for("the status has what FRR does", LIMIT, || {
        let status: Value = serde_json::from_str(&get("/status")?)?;
        let session = &status["live"]["sessions"][0];
        ensure!(status["node"] == "node1" && status["live"]["seen"].is_u64(), "{status}");
        ensure!(session["neighbor"] == "172.30.0.2" && session["configured"] == true, "{status}");
        ensure!(status["conditions"].is_array() && status["lastAttempt"]["outcome"] == "Applied", "{status}");
        Ok(())
    })?;
    for path in ["/history", "/history/1", "/config", "/config?rev=1"] {
        get(path)?;
    }
    Ok(())
}

fn only_health_is_open(cluster: &Cluster) -> Result<()> {
    let certificate = cluster.certificate();
    let curl = |path: &str, more: &[&str]| {
        let url = format!("{SERVER}{path}");
        let arguments =
            ["--silent", "--max-time", "20", "--cacert", &certificate, "--write-out", " %{http_code}", &url];
        cluster.node.run("curl", &[&arguments, more].concat())
    };
    ensure!(curl("/healthz", &[])? == "ok\n 200");
    for path in ["/history", "/history/1", "/config", "/status"] {
        let answer = curl(path, &[])?;
        ensure!(answer == "a bearer token is needed\n 401", "{path}: {answer}");
    }
    ensure!(curl("/history", &["--request", "POST", "--data", "x"])?.ends_with(" 405"));
    ensure!(curl("/etc/passwd", &[])?.ends_with(" 404"));
    Ok(())
}
