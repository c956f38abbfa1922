//! The certificate of the webhooks: made at the start, shared by replicas, renewed and taken back without one refused object.

use anyhow::{Context, Result, ensure};
use herald_e2e::{Kube, Lab, Namespace, Operator, output, wait_for};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const NAMESPACE: &str = "metallb-system";
const SECRET: &str = "metallb-webhook-cert";
const SERVICE: &str = "metallb-webhook-service.metallb-system.svc";
const SOON: Duration = Duration::from_mins(1);

fn pool(name: &str) -> String {
    let metadata = json!({ "name": name, "namespace": NAMESPACE });
    let spec = json!({ "addresses": ["192.0.2.0/28"] });
    json!({ "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": metadata, "spec": spec })
        .to_string()
}

/// A pool that is judged and not stored.
fn ask(kube: &Kube) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("pool.json");
    std::fs::write(&file, pool("asked"))?;
    kube.run(&["create", "--dry-run=server", "--filename", &file.display().to_string()]).map(drop)
}

fn wait_until_asked(kube: &Kube, operator: &Operator) -> Result<()> {
    wait_for("the webhooks answer", SOON, || ask(kube)).with_context(|| operator.log())
}

/// The Secret's data, by key.
fn secret(kube: &Kube) -> Result<Value> {
    Ok(kube.get(&["secret", SECRET, "--namespace", NAMESPACE])?["data"].clone())
}

/// Everything that leads to our Service trusts exactly the Secret's authorities.
fn trusts_the_secret(kube: &Kube) -> Result<usize> {
    let wanted = secret(kube)?["ca.crt"].clone();
    let mut trusting = 0;
    for name in ["metallb-webhook-configuration", "frr-k8s-validating-webhook-configuration"] {
        let found = kube.get(&["validatingwebhookconfiguration", name])?;
        for webhook in found["webhooks"].as_array().context("no webhooks")? {
            ensure!(webhook["clientConfig"]["caBundle"] == wanted, "{name}: {webhook}");
            trusting += 1;
        }
    }
    let found = kube.get(&["crd", "bgppeers.metallb.io"])?;
    ensure!(found["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] == wanted, "{found}");
    Ok(trusting + 1)
}

/// Serial number and subject of the certificate that a server shows.
fn shown(from: &Namespace, address: &str) -> Result<String> {
    let script = format!(
        "openssl s_client -connect {address}:9443 -servername {SERVICE} </dev/null 2>/dev/null | openssl x509 -noout -serial -subject -ext subjectAltName"
    );
    from.run("sh", &["-c", &script])
}

/// Asks again and again; how many were asked, and what was refused.
struct Load<'a> {
    end: &'a AtomicBool,
    asked: &'a AtomicUsize,
}

impl Load<'_> {
    fn run(&self, kube: &Kube) -> Result<()> {
        while !self.end.load(Ordering::Relaxed) {
            ask(kube).context("a request while certificates change")?;
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Does something while objects are judged without a pause, and not one of them is refused.
fn under_load(kube: &Kube, then: impl FnOnce() -> Result<()>) -> Result<()> {
    let (end, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = Load { end: &end, asked: &asked };
    thread::scope(|scope| {
        let asking = scope.spawn(|| load.run(kube));
        let done = then();
        // As often again, with what is shown then.
        let so_far = asked.load(Ordering::Relaxed);
        let after = wait_for("requests afterwards", SOON, || {
            ensure!(asking.is_finished() || asked.load(Ordering::Relaxed) > so_far + 5, "not yet");
            Ok(())
        });
        end.store(true, Ordering::Relaxed);
        let loaded = asking.join().map_err(|_| anyhow::anyhow!("the load panicked"))?;
        done.and(after).and(loaded)
    })?;
    println!("{} requests, none refused", asked.load(Ordering::Relaxed));
    Ok(())
}

/// An authority and a certificate as somebody else would make them, with these days to live.
fn made_elsewhere(folder: &Path, authority_days: u32, days: u32) -> Result<Value> {
    let sh = |script: &str| output(Command::new("sh").current_dir(folder).args(["-ec", script]));
    sh(&format!(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days {authority_days} -subj /O=metallb/CN=cert 2>/dev/null
         openssl req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN={SERVICE} 2>/dev/null
         printf 'subjectAltName=DNS:{SERVICE}\n' > san
         openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} -extfile san -out tls.crt 2>/dev/null"
    ))?;
    let mut data = json!({});
    for key in ["ca.crt", "ca.key", "tls.crt", "tls.key"] {
        data[key] = Value::String(sh(&format!("base64 -w0 {key}"))?.trim().to_owned());
    }
    Ok(data)
}

fn write_secret(kube: &Kube, data: &Value) -> Result<()> {
    let patch = json!({ "data": data }).to_string();
    kube.run(&["patch", "secret", SECRET, "--namespace", NAMESPACE, "--type=merge", "--patch", &patch])
        .map(drop)
}

#[test]
fn certificates_change_and_nobody_is_refused() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    kube.install("manifests/webhooks")?;
    let first = Operator::start(&lab, &kube, "controller-a", &["--webhook-mode=onlywebhook"])?;
    wait_until_asked(&kube, &first)?;
    let made = secret(&kube)?;
    for key in ["ca.crt", "ca.key", "tls.crt", "tls.key"] {
        ensure!(made[key].as_str().is_some_and(|text| !text.is_empty()), "{key} is missing in the Secret");
    }
    ensure!(trusts_the_secret(&kube)? == 9, "eight webhooks and the conversion");
    let subject = shown(kube.namespace(), first.address())?;
    ensure!(subject.contains(&format!("DNS:{SERVICE}")), "{subject}");

    // Another replica shows the same.
    let second = Operator::start(&lab, &kube, "controller-b", &["--webhook-mode=onlywebhook"])?;
    wait_for("the second replica shows the same", SOON, || {
        let other = shown(kube.namespace(), second.address())?;
        ensure!(other == subject, "{other}");
        Ok(())
    })?;
    ensure!(secret(&kube)? == made, "the second replica made another one");

    under_load(&kube, || a_certificate_that_ends_soon_is_renewed(&kube, &[&first, &second]))?;
    under_load(&kube, || a_secret_that_is_deleted_comes_back(&kube))?;
    under_load(&kube, || an_authority_that_ends_soon_is_replaced(&kube, &[&first, &second]))?;
    a_bundle_that_is_taken_away_comes_back(&kube)?;
    for operator in [&first, &second] {
        ensure!(!operator.log().contains("PRIVATE KEY"), "a key is in the log");
        ensure!(operator.ready()?.contains("ok"));
    }
    Ok(())
}

/// What MetalLB made: RSA, good authority, a certificate with less than 90 days. Both replicas end up with one new.
fn a_certificate_that_ends_soon_is_renewed(kube: &Kube, replicas: &[&Operator]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let old = made_elsewhere(folder.path(), 3000, 80)?;
    replaced(kube, replicas, &old)
}

/// Nobody needs a new one for that.
fn a_secret_that_is_deleted_comes_back(kube: &Kube) -> Result<()> {
    let before = secret(kube)?;
    kube.run(&["delete", "secret", SECRET, "--namespace", NAMESPACE])?;
    wait_for("the Secret is back", SOON, || {
        let now = secret(kube)?;
        ensure!(
            now == before,
            "not as it was: {:?}",
            now.as_object().map(|data| data.keys().collect::<Vec<_>>())
        );
        Ok(())
    })
}

fn an_authority_that_ends_soon_is_replaced(kube: &Kube, replicas: &[&Operator]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let old = made_elsewhere(folder.path(), 80, 80)?;
    replaced(kube, replicas, &old)?;
    let trusted = decoded(&secret(kube)?["ca.crt"])?;
    ensure!(
        trusted.matches("BEGIN CERTIFICATE").count() >= 3,
        "the new, the old and the one that was shown: {trusted}"
    );
    Ok(())
}

/// Puts what was made elsewhere into the Secret, and waits until it is renewed, trusted and shown by every replica.
fn replaced(kube: &Kube, replicas: &[&Operator], old: &Value) -> Result<()> {
    write_secret(kube, old)?;
    wait_for("it is renewed", SOON, || {
        let now = secret(kube)?;
        ensure!(now["tls.crt"] != old["tls.crt"], "still the old one");
        Ok(())
    })?;
    wait_for("it is trusted and shown", SOON, || {
        trusts_the_secret(kube)?;
        let pem = decoded(&secret(kube)?["tls.crt"])?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("tls.crt");
        std::fs::write(&file, pem)?;
        let serial = output(Command::new("openssl").args(["x509", "-noout", "-serial", "-in"]).arg(&file))?;
        for replica in replicas {
            let shows = shown(kube.namespace(), replica.address())?;
            ensure!(shows.contains(serial.trim()), "{serial} is not {shows}");
        }
        Ok(())
    })
}

fn decoded(text: &Value) -> Result<String> {
    let text = text.as_str().context("no text")?;
    output(Command::new("sh").args(["-c", &format!("printf %s {text} | base64 -d")]))
}

/// Whoever installs the manifests anew by replacing them takes the caBundle away.
fn a_bundle_that_is_taken_away_comes_back(kube: &Kube) -> Result<()> {
    let patch = json!([{ "op": "remove", "path": "/webhooks/0/clientConfig/caBundle" }]).to_string();
    kube.run(&[
        "patch",
        "validatingwebhookconfiguration",
        "metallb-webhook-configuration",
        "--type=json",
        "--patch",
        &patch,
    ])?;
    wait_for("the caBundle is back", SOON, || trusts_the_secret(kube))?;
    // Applying them again does not take it away: it is another manager's.
    kube.install("manifests/webhooks")?;
    trusts_the_secret(kube).map(drop)
}

/// `--disable-cert-rotation`: files of somebody else, read again when they change; Secret and caBundles are not touched.
#[test]
fn certificates_from_outside_are_shown() -> Result<()> {
    let lab = Lab::new()?;
    let kube = Kube::installed(&lab)?;
    kube.install("manifests/webhooks")?;
    // Where the lab has the replica look for them.
    let folder = lab.folder("controller-a/certificates")?;
    let given = made_elsewhere(&folder, 3000, 30)?;
    let arguments = ["--webhook-mode=onlywebhook", "--disable-cert-rotation=true"];
    let operator = Operator::start(&lab, &kube, "controller-a", &arguments)?;
    let patch =
        json!([{ "op": "add", "path": "/webhooks/1/clientConfig/caBundle", "value": given["ca.crt"] }])
            .to_string();
    let name = "metallb-webhook-configuration";
    kube.run(&["patch", "validatingwebhookconfiguration", name, "--type=json", "--patch", &patch])?;
    wait_until_asked(&kube, &operator)?;
    ensure!(secret(&kube)?.is_null(), "the Secret was written");
    let before = shown(kube.namespace(), operator.address())?;
    let sh = format!(
        "cd {} && openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 60 -extfile san -out new.crt 2>/dev/null && mv new.crt tls.crt",
        folder.display()
    );
    output(Command::new("sh").args(["-ec", &sh]))?;
    wait_for("the new file is shown", SOON, || {
        ensure!(shown(kube.namespace(), operator.address())? != before, "still the old one");
        Ok(())
    })?;
    ask(&kube)
}
