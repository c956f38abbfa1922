//! What nodes report of themselves, as far as the operator reads it.

use super::facts::text;
use super::place::Name;
use super::{Changed, Kind};
use crate::problem::ObjectRef;
use crate::snapshot::ServiceKey;
use herald_frr::shared::SharedMap;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// A Service, and the name of a ServiceBGPStatus of it: all of a Service stand together.
pub type AnnouncedKey = (ServiceKey, Arc<str>);

/// What a ServiceBGPStatus says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// The node that announces the Service.
    pub node: Arc<str>,
    /// Names of the BGPPeers that were sent it.
    pub peers: Box<[Arc<str>]>,
}

/// All reports.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    /// Every ServiceBGPStatus.
    pub announced: SharedMap<AnnouncedKey, Arc<Announced>>,
    /// The names of all objects `FRRNodeState`, which are those of nodes.
    pub node_states: SharedMap<Arc<str>, ()>,
    /// The nodes of FRR's pods, by the pods' names.
    pub frr_pods: SharedMap<Arc<str>, Arc<str>>,
}

/// Which Service each ServiceBGPStatus is about, by its name.
pub type Services = HashMap<Arc<str>, ServiceKey>;

impl Reports {
    /// An object that is new or has changed, or (`None`) is gone.
    pub(super) fn take(
        &mut self,
        (kind, id): (Kind, &ObjectRef),
        object: Option<&Value>,
        (services, changed): (&mut Services, &mut Changed),
        intern: &mut dyn FnMut(&str) -> Arc<str>,
    ) {
        match kind {
            Kind::ServiceBgpStatus => self.take_announced(id, object, (services, changed), intern),
            Kind::FrrNodeState => {
                let before = match object {
                    Some(_) => self.node_states.insert(id.name.clone(), ()),
                    None => self.node_states.remove(&id.name),
                };
                if before.is_some() != object.is_some() {
                    changed.objects.insert(id.clone());
                }
            }
            Kind::Pod => {
                let node = object.and_then(|pod| text(pod.get("spec")?, "nodeName")).map(intern);
                if self.frr_pods.get(&id.name) == node.as_ref() {
                    return;
                }
                match node {
                    Some(node) => drop(self.frr_pods.insert(id.name.clone(), node)),
                    None => drop(self.frr_pods.remove(&id.name)),
                }
                changed.objects.insert(id.clone());
            }
            _ => {}
        }
    }

    fn take_announced(
        &mut self,
        id: &ObjectRef,
        object: Option<&Value>,
        (services, changed): (&mut Services, &mut Changed),
        intern: &mut dyn FnMut(&str) -> Arc<str>,
    ) {
        let read = object.and_then(|object| announced(object.get("status")?, intern));
        let before = services.get(&id.name).cloned();
        let same = read.as_ref().map(|(key, _)| key) == before.as_ref();
        let known = before.as_ref().and_then(|key| self.announced.get(&(key.clone(), id.name.clone())));
        if same && known.map(|known| &**known) == read.as_ref().map(|(_, announced)| announced) {
            return;
        }
        if let Some(key) = before {
            self.announced.remove(&(key.clone(), id.name.clone()));
            services.remove(&id.name);
            changed.services.insert(key);
        }
        if let Some((key, announced)) = read {
            self.announced.insert((key.clone(), id.name.clone()), Arc::new(announced));
            services.insert(id.name.clone(), key.clone());
            changed.services.insert(key);
        }
    }

    /// Everything of a kind that is known, by namespace and name.
    pub(super) fn names(&self, kind: Kind, namespace: &Arc<str>) -> Vec<Name> {
        let named = |name: &Arc<str>| (namespace.clone(), name.clone());
        match kind {
            Kind::ServiceBgpStatus => self.announced.keys().map(|(_, name)| named(name)).collect(),
            Kind::FrrNodeState => self.node_states.keys().map(|name| ("".into(), name.clone())).collect(),
            Kind::Pod => self.frr_pods.keys().map(named).collect(),
            _ => Vec::new(),
        }
    }

    /// What nodes say of a Service.
    pub fn of<'a>(&'a self, service: &'a ServiceKey) -> impl Iterator<Item = &'a Arc<Announced>> {
        let first = (service.clone(), Arc::from(""));
        let from = self.announced.from_key(&first).map(|(key, announced)| (&key.0, announced));
        from.take_while(move |(key, _)| *key == service).map(|(_, announced)| announced)
    }
}

/// The Service, the node and the peers; `None` until its status was written.
fn announced(status: &Value, intern: &mut dyn FnMut(&str) -> Arc<str>) -> Option<(ServiceKey, Announced)> {
    let mut of = |key| text(status, key).map(&mut *intern);
    let (namespace, name, node) = (of("serviceNamespace")?, of("serviceName")?, of("node")?);
    let peers = status.get("peers").and_then(Value::as_array).into_iter().flatten();
    let peers = peers.filter_map(Value::as_str).map(intern).collect();
    Some((ServiceKey { namespace, name }, Announced { node, peers }))
}
