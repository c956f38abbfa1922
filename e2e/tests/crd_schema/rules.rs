//! Every CEL rule of our CRDs refuses an object on a real API server, in its own words.

use anyhow::{Context, Result, bail, ensure};
use herald_e2e::{Kube, repository};
use kube::Client;
use serde_json::{Value, json};
use std::fs;

/// A rule: the kind, its version, where in the schema it stands, and its message.
#[derive(Debug)]
struct Rule {
    kind: String,
    plural: String,
    api_version: String,
    path: String,
    message: String,
}

pub fn each_refuses(kube: &Kube) -> Result<()> {
    let rules = rules()?;
    ensure!(rules.len() > 40, "only {} rules", rules.len());
    kube.ask(async |client| {
        for rule in &rules {
            refuses(&client, rule).await.with_context(|| format!("{rule:?}"))?;
        }
        Ok(())
    })?;
    println!("{} rules refuse what they are for", rules.len());
    Ok(())
}

/// All rules of `crds/yaml`.
fn rules() -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for entry in fs::read_dir(repository().join("crds/yaml"))? {
        let crd: Value = serde_yaml::from_str(&fs::read_to_string(entry?.path())?)?;
        let spec = &crd["spec"];
        for version in spec["versions"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let rule = |path: &str, message: &str| Rule {
                kind: text(&spec["names"]["kind"]),
                plural: text(&spec["names"]["plural"]),
                api_version: format!("{}/{}", text(&spec["group"]), text(&version["name"])),
                path: path.to_owned(),
                message: message.to_owned(),
            };
            walk(&version["schema"]["openAPIV3Schema"], "", &mut |path, message| {
                rules.push(rule(path, message));
            });
        }
    }
    Ok(rules)
}

fn walk(schema: &Value, path: &str, found: &mut dyn FnMut(&str, &str)) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        found(path, rule["message"].as_str().unwrap_or_default());
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        walk(inner, &format!("{path}.{name}"), found);
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), found);
    }
}

/// The value that a rule is against, at its place.
fn wrong(rule: &Rule) -> Result<Value> {
    let field = rule.path.trim_end_matches("[]").rsplit('.').next().unwrap_or_default();
    Ok(match (field, rule.message.as_str()) {
        ("connectTime", message) if message.contains("whole number") => json!("1500ms"),
        ("connectTime", _) => json!("0s"),
        ("exportRTs" | "importRTs" | "rd", message) => json!(match message {
            message if message.contains("exactly one colon") => "1",
            message if message.contains("wildcard") => "*:4294967296",
            message if message.contains("must be either") => "x:1",
            message if message.contains("local administrator") => "1:x",
            message if message.contains("IPv4 global") => "10.0.0.1:65536",
            message if message.contains("4-byte") => "65536:65536",
            message if message.contains("2-byte") => "1:4294967296",
            _ => bail!("no value for it"),
        }),
        ("spec", message) => in_spec(message)?,
        // It may not change, whatever it is.
        (_, "Value is immutable" | "EnableGracefulRestart cannot be changed after creation") => Value::Null,
        _ => bail!("no value for it"),
    })
}

/// A whole `spec` that is refused.
fn in_spec(message: &str) -> Result<Value> {
    let peer = |more: Value| {
        let mut spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "192.0.2.1"});
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        spec
    };
    Ok(match message {
        "missing local ASN" => peer(json!({"myASN": 0})),
        "both peer ASN and dynamicASN specified" => peer(json!({"dynamicASN": "external"})),
        "peer has both Address and Interface specified" => peer(json!({"interface": "eth0"})),
        "can not have both password and secret ref set" => {
            peer(json!({"password": "p", "passwordSecret": {"name": "s"}}))
        }
        "pool has no prefixes defined" => json!({"addresses": []}),
        "invalid aggregation length: must be between 1 and 32" => json!({"aggregationLength": 33}),
        "invalid aggregation length: must be between 1 and 128" => json!({"aggregationLengthV6": 129}),
        message if message.starts_with("serviceSelectors and aggregationLength") => {
            json!({"serviceSelectors": [{"matchLabels": {"a": "b"}}], "aggregationLength": 24})
        }
        _ => bail!("no value for it"),
    })
}

/// Puts a value where a path leads; lists get one item.
fn put(path: &str, value: Value) -> Value {
    let Some(rest) = path.strip_prefix('.') else {
        return path.strip_prefix("[]").map_or(value.clone(), |rest| json!([put(rest, value)]));
    };
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    json!({ &rest[..end]: put(&rest[end..], value) })
}

/// What an object needs beside the field in question.
fn complete(rule: &Rule, mut object: Value) -> Value {
    match rule.kind.as_str() {
        "BGPPeer" if rule.path != ".spec" => {
            let spec = &mut object["spec"];
            (spec["myASN"], spec["peerASN"]) = (json!(64512), json!(64513));
            spec["peerAddress"] = json!("192.0.2.1");
        }
        "FRRConfiguration" => {
            let router = &mut object["spec"]["bgp"]["routers"][0];
            router["asn"] = json!(64512);
            if router["neighbors"][0].is_object() {
                router["neighbors"][0]["address"] = json!("192.0.2.1");
                router["neighbors"][0]["asn"] = json!(64513);
            }
            for vni in ["/evpn/l2vnis/0", "/evpn/l3vni"] {
                if let Some(vni) = router.pointer_mut(vni) {
                    vni["vni"] = json!(100);
                    vni["advertisePrefixes"] = json!(["unicast"]);
                }
            }
        }
        _ => {}
    }
    object["apiVersion"] = json!(rule.api_version);
    object["kind"] = json!(rule.kind);
    object["metadata"] = json!({"name": "rule", "namespace": "metallb-system"});
    object
}

async fn refuses(client: &Client, rule: &Rule) -> Result<()> {
    let wrong = wrong(rule)?;
    if wrong.is_null() {
        return changes_are_refused(client, rule).await;
    }
    let object = complete(rule, put(&rule.path, wrong));
    let refused = send(client, "POST", rule, "?dryRun=All", &object).await.err();
    says(rule, refused, &object)
}

fn says(rule: &Rule, refused: Option<anyhow::Error>, object: &Value) -> Result<()> {
    let refused = refused.with_context(|| format!("it was taken: {object}"))?;
    ensure!(format!("{refused:#}").contains(&rule.message), "{refused:#}: {object}");
    Ok(())
}

/// Makes an object with the field and changes it.
async fn changes_are_refused(client: &Client, rule: &Rule) -> Result<()> {
    let of = |value: Value| complete(rule, put(&rule.path, value));
    let flag = rule.path.ends_with("enableGracefulRestart");
    let (first, second) =
        if flag { (of(json!(true)), of(json!(false))) } else { (of(json!("one")), of(json!("two"))) };
    let place = format!("/{}", first["metadata"]["name"].as_str().unwrap_or_default());
    send(client, "POST", rule, "", &first).await?;
    let refused = if rule.path.starts_with(".status") {
        let of_status = format!("{place}/status");
        send(client, "PATCH", rule, &of_status, &first).await?;
        send(client, "PATCH", rule, &of_status, &second).await.err()
    } else {
        send(client, "PATCH", rule, &place, &second).await.err()
    };
    send(client, "DELETE", rule, &place, &Value::Null).await?;
    says(rule, refused, &second)
}

async fn send(client: &Client, method: &str, rule: &Rule, place: &str, object: &Value) -> Result<()> {
    let Rule { api_version, plural, .. } = rule;
    let path = format!("/apis/{api_version}/namespaces/metallb-system/{plural}{place}");
    let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let body = if object.is_null() { Vec::new() } else { object.to_string().into_bytes() };
    let request =
        http::Request::builder().method(method).uri(path).header("content-type", content).body(body)?;
    client.request::<Value>(request).await?;
    Ok(())
}
