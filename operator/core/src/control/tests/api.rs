//! An API server in memory: objects with resourceVersions, strategic merge of conditions, watches that lag.

use super::super::effect::{ConfigurationWrite, PoolWrite, ServiceWrite};
use super::super::input::{WriteFailure, Written};
use crate::input::Options;
use crate::input::objects::{Keep, Kind, Objects, View};
use crate::snapshot::ServiceKey;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

pub const NAMESPACE: &str = "metallb-system";

type Name = (Kind, String, String);

/// All objects, and every change since the beginning.
#[derive(Default)]
pub struct Api {
    version: u64,
    objects: BTreeMap<Name, Value>,
    log: Vec<(Name, Option<Value>)>,
    /// How many writes to Services were taken.
    pub service_writes: usize,
    /// Its definition of pools is MetalLB's: they have no conditions.
    pub of_metallb: bool,
}

/// What one client has seen of it.
pub struct Watch {
    objects: Objects,
    seen: usize,
}

impl Api {
    fn name(kind: Kind, object: &Value) -> Name {
        let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
        (kind, text("namespace"), text("name"))
    }

    /// Creates or replaces an object as a user does; the status stays.
    pub fn put(&mut self, kind: Kind, mut object: Value) {
        let name = Self::name(kind, &object);
        self.version += 1;
        let version = self.version;
        let known = self.objects.get(&name);
        let kept = |key: &str| known.map(|known| known["metadata"][key].clone());
        let metadata = &mut object["metadata"];
        metadata["uid"] = kept("uid").unwrap_or_else(|| json!(format!("uid-{version}")));
        let created = || json!(format!("2026-01-01T00:{:02}:{:02}Z", version / 60 % 60, version % 60));
        metadata["creationTimestamp"] = kept("creationTimestamp").unwrap_or_else(created);
        metadata["resourceVersion"] = json!(version.to_string());
        let annotation =
            known.and_then(|known| known.pointer("/metadata/annotations/metallb.io~1ip-allocated-from-pool"));
        if let Some(annotation) = annotation {
            metadata["annotations"]["metallb.io/ip-allocated-from-pool"] = annotation.clone();
        }
        if !kind.is_report() {
            object["status"] = known.map(|known| known["status"].clone()).unwrap_or_default();
        }
        if kind == Kind::Service
            && object["spec"]["type"] != "LoadBalancer"
            && let Some(status) = object["status"].as_object_mut()
        {
            status.remove("loadBalancer");
        }
        self.log.push((name.clone(), Some(object.clone())));
        self.objects.insert(name, object);
    }

    pub fn delete(&mut self, kind: Kind, namespace: &str, name: &str) -> bool {
        let name = (kind, namespace.to_owned(), name.to_owned());
        let known = self.objects.remove(&name).is_some();
        if known {
            self.version += 1;
            self.log.push((name, None));
        }
        known
    }

    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(kind, namespace.to_owned(), name.to_owned()))
    }

    /// Carries out a write, if its preconditions hold.
    pub fn patch(&mut self, write: &ServiceWrite) -> Result<Written, WriteFailure> {
        let name = (Kind::Service, write.key.namespace.to_string(), write.key.name.to_string());
        let object = self.objects.get(&name).ok_or(WriteFailure::NotFound)?;
        let body = write.body();
        let same = |key: &str| object["metadata"][key] == body["metadata"][key];
        if !same("uid") || !same("resourceVersion") {
            return Err(WriteFailure::Conflict);
        }
        let mut object = object.clone();
        merge(&mut object, &body);
        self.service_writes += 1;
        Ok(self.store(name, object))
    }

    pub fn pool_status(&mut self, write: &PoolWrite) -> Result<Written, WriteFailure> {
        let name = (Kind::IpAddressPool, NAMESPACE.to_owned(), write.pool.name.to_string());
        let mut object = self.objects.get(&name).ok_or(WriteFailure::NotFound)?.clone();
        object["status"] = serde_json::to_value(&write.status).unwrap();
        if self.of_metallb {
            object["status"].as_object_mut().unwrap().remove("conditions");
        }
        Ok(self.store(name, object))
    }

    pub fn configuration(&mut self, write: &ConfigurationWrite) -> Written {
        let object = json!({"metadata": {"name": write.object.name, "namespace": write.object.namespace}});
        let name = Self::name(Kind::ConfigurationState, &object);
        if !self.objects.contains_key(&name) {
            self.put(Kind::ConfigurationState, object);
        }
        let mut object = self.objects[&name].clone();
        object["status"] = serde_json::to_value(&write.status).unwrap();
        self.store(name, object)
    }

    fn store(&mut self, name: Name, mut object: Value) -> Written {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.log.push((name.clone(), Some(object.clone())));
        self.objects.insert(name, object);
        Written { resource_version: self.version.to_string().into() }
    }

    /// Writes a status by hand.
    pub fn edit_status(&mut self, kind: Kind, namespace: &str, name: &str, status: Value) {
        let name = (kind, namespace.to_owned(), name.to_owned());
        let mut object = self.objects[&name].clone();
        object["status"] = status;
        self.store(name, object);
    }

    /// The addresses that a Service shows.
    pub fn shown(&self, key: &ServiceKey) -> Vec<IpAddr> {
        self.get(Kind::Service, &key.namespace, &key.name).map(addresses).unwrap_or_default()
    }
}

/// The addresses in a Service's status.
pub fn addresses(service: &Value) -> Vec<IpAddr> {
    let ingress = service["status"]["loadBalancer"]["ingress"].as_array();
    ingress.into_iter().flatten().filter_map(|entry| entry["ip"].as_str()?.parse().ok()).collect()
}

/// Strategic merge, as far as Services need it: conditions by type, other lists as a whole.
fn merge(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    for (key, value) in fields {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else if key == "conditions" {
            merge_conditions(&mut object["conditions"], value);
        } else {
            merge(&mut object[key.as_str()], value);
        }
    }
}

fn merge_conditions(conditions: &mut Value, patch: &Value) {
    let mut all = conditions.as_array().cloned().unwrap_or_default();
    for change in patch.as_array().unwrap() {
        let place = all.iter().position(|it| it["type"] == change["type"]);
        match (place, change.get("$patch").is_some()) {
            (Some(place), true) => drop(all.remove(place)),
            (Some(place), false) => all[place] = change.clone(),
            (None, false) => all.push(change.clone()),
            (None, true) => {}
        }
    }
    *conditions = Value::Array(all);
}

impl Watch {
    /// A client that has listed everything.
    pub fn new(api: &Api) -> Self {
        let options = Options { namespace: Some(NAMESPACE.into()) };
        let mut watch =
            Self { objects: Objects::new(&options, Keep { facts: true, ..Keep::default() }), seen: 0 };
        let reports = [Kind::ServiceBgpStatus, Kind::FrrNodeState, Kind::Pod];
        for kind in reports {
            watch.objects.begin(kind);
        }
        for ((kind, ..), object) in &api.objects {
            watch.objects.apply(*kind, object);
        }
        for kind in reports {
            watch.objects.finish(kind);
        }
        watch.seen = api.log.len();
        watch
    }

    /// Hears of at most so many changes, after some that it has heard of already.
    pub fn hear(&mut self, api: &Api, again: usize, most: usize) {
        let from = self.seen.saturating_sub(again);
        let to = api.log.len().min(self.seen.saturating_add(most));
        for ((kind, namespace, name), object) in &api.log[from..to] {
            match object {
                Some(object) => self.objects.apply(*kind, object),
                None => self.objects.remove(*kind, namespace, name),
            }
        }
        self.seen = to;
    }

    pub fn is_behind(&self, api: &Api) -> bool {
        self.seen < api.log.len()
    }

    pub fn view(&mut self) -> View {
        self.objects.view()
    }
}
