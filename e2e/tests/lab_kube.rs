//! The lab's own API server: what the tests of the operator lean on.

use anyhow::{Context, Result, ensure};
use herald_e2e::kube::{Fate, Proxy};
use herald_e2e::{Kube, Lab, Namespace, wait_for};
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(1);
const CONFIGMAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: metallb-system}\n";

/// What the account of the tests may do.
const RIGHTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: metallb-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: someone, namespace: metallb-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: someone, namespace: metallb-system}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: someone, namespace: metallb-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: someone}
subjects: [{kind: ServiceAccount, name: someone, namespace: metallb-system}]
";

// One test, so that one server serves all of it.
#[test]
fn the_api_server_of_the_lab_does_what_tests_ask_of_it() -> Result<()> {
    let lab = Lab::new()?;
    let mut kube = Kube::start(&lab)?;
    kube.apply(RIGHTS)?;
    kube.apply(CONFIGMAP)?;
    let (pod, _) = kube.pod(&lab, "pod")?;
    rights_hold_and_are_written_down(&mut kube, &pod)?;
    the_proxy_delays_and_loses(&kube, &pod)?;
    kube.compact()?;
    kube.pause_api()?;
    let kubectl = ["get", "--raw", "/readyz", "--request-timeout=1s"];
    ensure!(kube.run(&kubectl).is_err(), "a paused server answers");
    kube.resume_api()?;
    wait_for("it goes on", LIMIT, || kube.run(&kubectl))?;
    let before = kube.get(&["configmap", "one", "--namespace=metallb-system"])?;
    kube.restart_api()?;
    ensure!(before == kube.get(&["configmap", "one", "--namespace=metallb-system"])?);
    the_controllers_fill_endpoints(&mut kube)
}

/// `curl` in a pod with the token of a kubeconfig's user.
fn ask(kube: &Kube, pod: &Namespace, kubeconfig: &Path, arguments: &[&str]) -> Result<Output> {
    let config: serde_json::Value = serde_json::from_str(&fs::read_to_string(kubeconfig)?)?;
    let token = config["users"][0]["user"]["token"].as_str().context("a token")?;
    let server = config["clusters"][0]["cluster"]["server"].as_str().context("a server")?;
    let mut command = pod.command("curl");
    command.args(["-sS", "--max-time", "20", "--write-out", "\n%{http_code}"]);
    command.arg("--header").arg(format!("Authorization: Bearer {token}"));
    command.arg("--cacert").arg(kube.certificate()).args(arguments);
    command.arg(format!("{server}/api/v1/namespaces/metallb-system/configmaps/one"));
    command.output().context("start curl")
}

fn status(done: &Output) -> String {
    String::from_utf8_lossy(&done.stdout).lines().last().unwrap_or_default().to_owned()
}

fn rights_hold_and_are_written_down(kube: &mut Kube, pod: &Namespace) -> Result<()> {
    let kubeconfig = kube.service_account_kubeconfig("metallb-system", "someone")?;
    ensure!(status(&ask(kube, pod, &kubeconfig, &[])?) == "200");
    ensure!(status(&ask(kube, pod, &kubeconfig, &["--request", "DELETE"])?) == "403");
    kube.allow_forbidden();
    let asked = wait_for("both stand in the audit log", LIMIT, || {
        let asked = kube.asked()?;
        ensure!(asked.len() >= 2, "{asked:?}");
        Ok(asked)
    })?;
    let seen: Vec<_> = asked
        .iter()
        .map(|asked| (asked.verb.as_str(), asked.what.as_str(), asked.name.as_str(), asked.forbidden))
        .collect();
    ensure!(
        seen == [
            ("get", "configmaps", "metallb-system/one", false),
            ("delete", "configmaps", "metallb-system/one", true),
        ],
        "{asked:?}"
    );
    Ok(())
}

fn the_proxy_delays_and_loses(kube: &Kube, pod: &Namespace) -> Result<()> {
    let proxy = Proxy::start(kube)?;
    let kubeconfig = proxy.kubeconfig(kube, "metallb-system", "someone")?;
    let annotate = |value: &str, more: &[&str]| {
        let body = format!(r#"{{"metadata":{{"annotations":{{"value":"{value}"}}}}}}"#);
        let patch =
            ["--request", "PATCH", "--header", "Content-Type: application/merge-patch+json", "--data"];
        ask(kube, pod, &kubeconfig, &[&patch[..], &[&body], more].concat())
    };
    let stored = || -> Result<String> {
        let object = kube.get(&["configmap", "one", "--namespace=metallb-system"])?;
        Ok(object["metadata"]["annotations"]["value"].as_str().unwrap_or_default().to_owned())
    };
    ensure!(status(&annotate("passed", &[])?) == "200" && stored()? == "passed");
    proxy.rule(|method, _| if method == "PATCH" { Fate::Unanswered } else { Fate::Pass });
    ensure!(!annotate("unanswered", &[])?.status.success() && stored()? == "unanswered");
    proxy.rule(
        |method, path| if method == "PATCH" && path.ends_with("/one") { Fate::Lost } else { Fate::Pass },
    );
    ensure!(!annotate("lost", &[])?.status.success() && stored()? == "unanswered");
    ensure!(status(&ask(kube, pod, &kubeconfig, &[])?) == "200", "reads pass");
    proxy.rule(|_, _| Fate::Late(Duration::from_secs(2)));
    let started = Instant::now();
    // Who asked leaves after a second; the request still arrives.
    ensure!(!annotate("late", &["--max-time", "1"])?.status.success() && stored()? == "unanswered");
    wait_for("the late request arrives", LIMIT, || {
        ensure!(stored()? == "late", "not yet");
        Ok(())
    })?;
    ensure!(started.elapsed() >= Duration::from_secs(2), "after {:?}", started.elapsed());
    Ok(())
}

fn the_controllers_fill_endpoints(kube: &mut Kube) -> Result<()> {
    kube.start_controllers()?;
    kube.run(&["create", "service", "clusterip", "web", "--tcp=80:80"])?;
    wait_for("a Service with a selector has an EndpointSlice", LIMIT, || {
        let slices = kube.get(&["endpointslices", "--selector=kubernetes.io/service-name=web"])?;
        ensure!(slices["items"].as_array().is_some_and(|items| items.len() == 1), "{slices}");
        Ok(())
    })
}
