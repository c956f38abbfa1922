//! The ledger as a file: Services with nothing but their status, in the order of their names.

use herald_core::ledger::Allocation;
use herald_core::model::ServiceKey;
use herald_core::plan::Evaluation;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "# Who holds which address. Written by `herald plan --write`; kept with the manifests, so that\n\
                    # a Service keeps its address whatever else comes and goes.\n";

/// The annotation that names the pool (MetalLB, `ip-allocated-from-pool`).
const POOL: &str = "metallb.io/ip-allocated-from-pool";

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    status: Status,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    annotations: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Status {
    #[serde(rename = "loadBalancer")]
    load_balancer: LoadBalancer,
}

#[derive(Serialize)]
struct LoadBalancer {
    ingress: Vec<Ingress>,
}

#[derive(Serialize)]
struct Ingress {
    ip: String,
}

/// The text of the file.
pub fn text(evaluation: &Evaluation) -> String {
    let mut text = HEAD.to_owned();
    for key in evaluation.model.services.keys() {
        let Some(held) = evaluation.allocation(key) else { continue };
        // Serializing strings cannot fail.
        if let Ok(document) = serde_yaml::to_string(&document(key, held)) {
            _ = write!(text, "---\n{document}");
        }
    }
    text
}

fn document<'a>(key: &'a ServiceKey, held: &'a Allocation) -> Document<'a> {
    let ingress = held.ips.iter().map(|ip| Ingress { ip: ip.to_string() }).collect();
    Document {
        api_version: "v1",
        kind: "Service",
        metadata: Metadata {
            name: &key.name,
            namespace: &key.namespace,
            annotations: BTreeMap::from([(POOL, &*held.pool)]),
        },
        status: Status { load_balancer: LoadBalancer { ingress } },
    }
}
