//! `ServiceAccounts`: the rights that a pod has.

use super::{ADDRESS, Kube, Kubectl};
use anyhow::{Context, Result};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

impl Kube {
    /// A token of a `ServiceAccount`, by `TokenRequest`, as a kubelet gets it for a pod. Good for a day.
    pub fn token(&self, namespace: &str, name: &str) -> Result<String> {
        let token = self.run(&["create", "token", name, "--namespace", namespace, "--duration=24h"])?;
        Ok(token.trim().to_owned())
    }

    /// A kubeconfig with exactly the rights of a `ServiceAccount`, for a pod of the lab ([`Kube::pod`]).
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        self.kubeconfig_of(namespace, name, &format!("https://{ADDRESS}:6443"))
    }

    /// The same for a server elsewhere: a proxy.
    pub fn kubeconfig_of(&self, namespace: &str, name: &str, server: &str) -> Result<PathBuf> {
        let mut cluster = json!({ "server": server });
        if server.starts_with("https:") {
            // Below the file's own folder: nodes of the lab see the folder elsewhere.
            cluster["certificate-authority"] = json!("../certificates/apiserver.crt");
        }
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "lab", "cluster": cluster }],
            "users": [{ "name": name, "user": { "token": self.token(namespace, name)? } }],
            "contexts": [{ "name": "lab", "context": { "cluster": "lab", "user": name, "namespace": namespace } }],
            "current-context": "lab",
        });
        let place = server.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let folder = self.folder.join("accounts");
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let file = folder.join(format!("{namespace}-{name}-{place}"));
        Kubectl::secret_file(&file, &config.to_string())?;
        Ok(file)
    }
}
