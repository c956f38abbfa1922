mod api;
mod lead;
mod model;
mod reports;
mod services;
mod status;

use super::{Controller, Effect, Event, Input, LateWrites, Now, Options, WriteFailure, Written};
use crate::input::objects::Kind;
use crate::snapshot::ServiceKey;
use api::{Api, NAMESPACE, Watch};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// One controller that leads, on an API server that answers at once.
struct Cluster {
    api: Api,
    watch: Watch,
    controller: Controller,
    /// Milliseconds.
    at: u64,
    events: Vec<Event>,
    pool_writes: usize,
    /// Writes to this Service are lost, and so is their answer.
    lost: Option<ServiceKey>,
}

fn options() -> Options {
    Options { namespace: NAMESPACE.into(), reports: true, ..Options::default() }
}

fn now(at: u64) -> Now {
    let start: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let wall = Timestamp::from_millisecond(start.as_millisecond() + i64::try_from(at).unwrap()).unwrap();
    Now { at, wall }
}

fn key(name: &str) -> ServiceKey {
    ServiceKey { namespace: "default".into(), name: name.into() }
}

fn pool(name: &str, addresses: &[&str]) -> Value {
    json!({"metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"addresses": addresses}})
}

fn service(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}, "annotations": {}},
        "spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.1"], "selector": {"app": name},
            "ports": [{"port": 80, "protocol": "TCP"}]}
    })
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let field = field.replace("~1", "/");
    object.pointer_mut(parent).unwrap()[field.as_str()] = value;
    object
}

fn slice(service: &str, node: &str) -> Value {
    json!({
        "metadata": {"name": format!("{service}-1"), "namespace": "default",
            "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.0.3"], "nodeName": node, "conditions": {"ready": true}}]
    })
}

impl Cluster {
    /// A leader on what was put there before.
    fn new(objects: impl IntoIterator<Item = (Kind, Value)>) -> Self {
        let mut api = Api::default();
        api.put(Kind::Namespace, json!({"metadata": {"name": "default"}}));
        api.put(Kind::Node, json!({"metadata": {"name": "node-a", "labels": {}}}));
        for (kind, object) in objects {
            api.put(kind, object);
        }
        let watch = Watch::new(&api);
        let controller = Controller::new(options());
        let mut cluster =
            Self { api, watch, controller, at: 0, events: Vec::new(), pool_writes: 0, lost: None };
        cluster.lead(LateWrites::Impossible);
        cluster
    }

    fn lead(&mut self, late: LateWrites) {
        self.watch = Watch::new(&self.api);
        let view = self.watch.view();
        self.step(Input::Lead { view, late });
        self.settle();
    }

    fn put(&mut self, kind: Kind, object: Value) {
        self.api.put(kind, object);
        self.settle();
    }

    fn delete(&mut self, kind: Kind, namespace: &str, name: &str) {
        assert!(self.api.delete(kind, namespace, name));
        self.settle();
    }

    fn wait(&mut self, milliseconds: u64) {
        self.at += milliseconds;
        self.step(Input::Tick);
        self.settle();
    }

    /// Until nothing happens any more.
    fn settle(&mut self) {
        while self.watch.is_behind(&self.api) {
            self.watch.hear(&self.api, 0, usize::MAX);
            let view = self.watch.view();
            self.step(Input::View(view));
        }
    }

    fn step(&mut self, input: Input) {
        let mut waiting = self.controller.step(now(self.at), input);
        while !waiting.is_empty() {
            let effect = waiting.remove(0);
            let (id, result) = match effect {
                Effect::PatchService(write) if self.lost.as_ref() == Some(&write.key) => {
                    (write.id, Err(WriteFailure::Unknown))
                }
                Effect::PatchService(write) => (write.id, self.api.patch(&write)),
                Effect::PoolStatus(write) => {
                    self.pool_writes += 1;
                    (write.id, self.api.pool_status(&write))
                }
                Effect::ConfigurationState(write) => (write.id, Ok(self.api.configuration(&write))),
                Effect::DeleteNodeState(write) => {
                    self.api.delete(Kind::FrrNodeState, "", &write.name);
                    (write.id, Ok(Written { resource_version: "".into() }))
                }
                Effect::Event(event) => {
                    self.events.push(event);
                    continue;
                }
            };
            waiting.extend(self.controller.step(now(self.at), Input::Written { id, result }));
        }
    }

    fn ips(&self, name: &str) -> String {
        let ips = self.api.shown(&key(name));
        ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// Status, reason and message of a condition.
    fn condition(&self, name: &str, kind: &str) -> (String, String, String) {
        let service = self.api.get(Kind::Service, "default", name).unwrap();
        let conditions = service["status"]["conditions"].as_array().unwrap();
        let condition = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
        let text = |key: &str| condition[key].as_str().unwrap().to_owned();
        (text("status"), text("reason"), text("message"))
    }

    fn reasons(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.events).into_iter().map(|event| event.reason).collect()
    }
}
