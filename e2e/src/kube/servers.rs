//! How etcd and Kubernetes' programs are started.

use super::{ADDRESS, audit};
use crate::network::Namespace;
use crate::process::{Process, output};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The namespace is all that reaches the server, so the administrator's token is no secret and the certificate is not checked.
const TOKENS: &str = "lab,admin,admin,system:masters\nproxy,system:kube-proxy,proxy\n";
pub const KUBECONFIG: &str = "apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true}}]
users: [{name: lab, user: {token: lab}}]
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
current-context: lab
";

/// With the rights that Kubernetes gives this user by itself.
const PROXY: &str = "apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: 'https://10.250.0.1:6443', insecure-skip-tls-verify: true}}]
users: [{name: proxy, user: {token: proxy}}]
contexts: [{name: lab, context: {cluster: lab, user: proxy}}]
current-context: lab
";

/// What the lab does without: there are no nodes whose kubelets report, and nothing to schedule on.
const WITHOUT: &str = "--controllers=*,-node-lifecycle-controller,-taint-eviction-controller,-node-ipam-controller,\
-node-route-controller,-cloud-node-lifecycle-controller,-service-lb-controller";

/// Makes what both lives of a server share: the key of `ServiceAccounts`, the administrator's token, the audit policy.
pub fn prepare(folder: &Path) -> Result<()> {
    let key = folder.join("service-accounts.key");
    output(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"))?;
    fs::write(folder.join("tokens.csv"), TOKENS)?;
    fs::write(folder.join("kubeconfig"), KUBECONFIG)?;
    fs::write(folder.join("kubeconfig-proxy"), PROXY)?;
    fs::write(folder.join("audit.yaml"), audit::POLICY)?;
    Ok(())
}

pub fn etcd(namespace: &Namespace, folder: &Path) -> Result<Process> {
    let mut command = namespace.command("etcd");
    command.arg("--data-dir").arg(folder.join("etcd"));
    for (what, url) in [
        ("--listen-client-urls", "http://127.0.0.1:2379"),
        ("--advertise-client-urls", "http://127.0.0.1:2379"),
        ("--listen-peer-urls", "http://127.0.0.1:2380"),
        ("--initial-advertise-peer-urls", "http://127.0.0.1:2380"),
        ("--initial-cluster", "default=http://127.0.0.1:2380"),
    ] {
        command.args([what, url]);
    }
    Process::spawn("etcd", command, &folder.join("etcd.log"))
}

pub fn api(namespace: &Namespace, folder: &Path, programs: &Path) -> Result<Process> {
    let mut command = namespace.command(&programs.join("kube-apiserver").display().to_string());
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    command
        .args(["--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443", "--bind-address=0.0.0.0"])
        // There is nobody to tell it to; but its certificate is good for this address, and for the loopback.
        .arg(format!("--advertise-address={ADDRESS}"))
        .args(["--endpoint-reconciler-type=none", "--authorization-mode=RBAC"])
        .args([
            "--service-account-issuer=https://lab.invalid",
            "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
        ])
        // Without kube-proxy a Service's own address leads nowhere: webhooks are called at their endpoints.
        .args(["--enable-aggregator-routing=true", "--allow-privileged=true"])
        .arg(file("cert-dir", "certificates"))
        .arg(file("token-auth-file", "tokens.csv"))
        .arg(file("service-account-key-file", "service-accounts.key"))
        .arg(file("service-account-signing-key-file", "service-accounts.key"))
        .arg(file("audit-policy-file", "audit.yaml"))
        .arg(file("audit-log-path", audit::LOG));
    Process::spawn("kube-apiserver", command, &folder.join("kube-apiserver.log"))
}

pub fn controllers(namespace: &Namespace, folder: &Path, programs: &Path) -> Result<Process> {
    let mut command = namespace.command(&programs.join("kube-controller-manager").display().to_string());
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    command
        .args(["--leader-elect=false", "--bind-address=127.0.0.1", "--use-service-account-credentials=false"])
        .arg(WITHOUT)
        .arg(file("kubeconfig", "kubeconfig"))
        .arg(file("cert-dir", "controller-manager"))
        .arg(file("service-account-private-key-file", "service-accounts.key"))
        .arg(file("root-ca-file", "certificates/apiserver.crt"));
    Process::spawn("kube-controller-manager", command, &folder.join("kube-controller-manager.log"))
}

/// kube-proxy of a node, in nftables mode. What it says of the machine's connection tracking it leaves as it is.
pub fn proxy(node: &Namespace, name: &str, folder: &Path, programs: &Path) -> Result<Process> {
    let mut command = node.command(&programs.join("kube-proxy").display().to_string());
    command
        .arg(format!("--kubeconfig={}", folder.join("kubeconfig-proxy").display()))
        .arg(format!("--hostname-override={name}"))
        .args(["--proxy-mode=nftables", "--cluster-cidr=10.244.0.0/16,fd44::/32"])
        .args(["--conntrack-max-per-core=0", "--conntrack-min=0", "--oom-score-adj=0"])
        .args(["--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s"]);
    Process::spawn("kube-proxy", command, &folder.join(format!("kube-proxy-{name}.log")))
}
