//! What stands in the API about this node, as a watch of each kind tells it.

use super::desk::Standing;
use super::object::{Body, Id, Kind, Peers, peer, vrf};
use futures::StreamExt;
use herald_core::snapshot::ServiceKey;
use herald_frr::config::NeighborId;
use herald_frr::diff::Session;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::{info, warn};

/// Objects of a page: a node's may be thousands.
const PAGE: u32 = 100;
/// A watch that broke is taken up after this time, and after twice as long each time.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What a watch tells.
#[derive(Debug)]
pub enum News {
    /// A list begins: what comes until `Listed` is all that there is.
    Listing(Kind),
    /// An object stands.
    Object(Kind, Box<DynamicObject>),
    /// An object is gone.
    Gone(Kind, Box<DynamicObject>),
    /// The list is at its end.
    Listed(Kind),
}

/// Whose objects, and whose they should be.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The node.
    pub node: String,
    /// The namespace of Herald's own objects.
    pub namespace: String,
}

/// The resource of a kind.
pub fn resource(kind: Kind) -> ApiResource {
    let (name, group, plural) = kind.names();
    ApiResource {
        group: group.to_owned(),
        version: "v1beta1".to_owned(),
        api_version: format!("{group}/v1beta1"),
        kind: name.to_owned(),
        plural: plural.to_owned(),
    }
}

/// Tells what stands of a kind until nobody listens.
pub async fn follow(client: Client, kind: Kind, whose: Whose, news: mpsc::Sender<News>) {
    let config = watcher::Config::default().page_size(PAGE);
    let config = match kind {
        Kind::NodeState => config.fields(&format!("metadata.name={}", whose.node)),
        Kind::Configuration => config.fields(&format!("metadata.name=speaker-{}", whose.node)),
        Kind::Session => config.labels(&format!("frrk8s.metallb.io/node={}", whose.node)),
        Kind::Service => config.labels(&format!("metallb.io/node={}", whose.node)),
    };
    let resource = resource(kind);
    let api: Api<DynamicObject> = match kind {
        Kind::NodeState => Api::all_with(client, &resource),
        _ => Api::namespaced_with(client, &whose.namespace, &resource),
    };
    let mut events = std::pin::pin!(watcher(api, config));
    let (mut wait, mut failing) = (AGAIN.0, false);
    while let Some(event) = events.next().await {
        let told = match event {
            Ok(Event::Init) => News::Listing(kind),
            Ok(Event::InitApply(object) | Event::Apply(object)) => News::Object(kind, Box::new(object)),
            Ok(Event::Delete(object)) => News::Gone(kind, Box::new(object)),
            Ok(Event::InitDone) => {
                if std::mem::take(&mut failing) {
                    info!(event = "StatusWatch", kind = kind.names().0, "watching again");
                }
                wait = AGAIN.0;
                News::Listed(kind)
            }
            Err(why) => {
                if !std::mem::replace(&mut failing, true) {
                    let kind = kind.names().0;
                    warn!(event = "StatusWatch", kind, error = %why, "cannot watch; trying again");
                }
                sleep(wait).await;
                wait = (wait * 2).min(AGAIN.1);
                continue;
            }
        };
        if news.send(told).await.is_err() {
            return;
        }
    }
}

/// Which object of the node it is.
pub fn id(kind: Kind, object: &DynamicObject, node: &str) -> Id {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let empty = BTreeMap::new();
    let labels = object.metadata.labels.as_ref().unwrap_or(&empty);
    let label = |key: &str| labels.get(key).map(String::as_str);
    let id = match kind {
        Kind::NodeState => Some(Id::NodeState),
        Kind::Configuration => Some(Id::Configuration),
        Kind::Session => {
            session(label("frrk8s.metallb.io/peer"), label("frrk8s.metallb.io/vrf")).map(Id::Session)
        }
        Kind::Service => (|| {
            let namespace = label("metallb.io/service-namespace")?.into();
            let name = label("metallb.io/service-name")?.into();
            Some(Id::Service(ServiceKey { namespace, name }))
        })(),
    };
    id.filter(|id| id.name(node) == name).unwrap_or_else(|| Id::Other(kind, name.into()))
}

/// The session of a label, and back to the same label.
fn session(of_peer: Option<&str>, of_vrf: Option<&str>) -> Option<Session> {
    let text = of_peer?;
    let address = || text.replace('-', ":").parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address = text.parse::<IpAddr>().ok().or_else(address);
    let neighbor = match address {
        Some(address) => NeighborId::Address(address),
        None => NeighborId::Interface(text.parse().ok()?),
    };
    let vrf_name = of_vrf.filter(|name| !name.is_empty()).map(str::parse).transpose().ok()?;
    let session = Session { vrf: vrf_name, neighbor };
    (peer(&session.neighbor) == text && vrf(&session) == of_vrf.unwrap_or_default()).then_some(session)
}

/// How it stands.
pub fn standing(
    id: &Id,
    object: &DynamicObject,
    node: &str,
    intern: &mut dyn FnMut(&[String]) -> Peers,
) -> Standing {
    let labels = object.metadata.labels.clone().unwrap_or_default();
    let sound = id.labels(node).iter().all(|(key, value)| labels.get(*key) == Some(value));
    let owner = match object.metadata.owner_references.as_deref().unwrap_or_default() {
        [owner] => Some(owner.uid.as_str().into()),
        _ => None,
    };
    let version = object.metadata.resource_version.as_deref().and_then(|version| version.parse().ok());
    Standing {
        body: Body::read(id.kind(), object.data.get("status").unwrap_or(&Value::Null), intern),
        sound,
        uid: object.metadata.uid.as_deref().filter(|_| id.kind() == Kind::NodeState).map(Into::into),
        owner,
        version: version.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_by_its_labels_again() {
        for (text, in_labels) in [
            ("172.30.0.2", "172.30.0.2"),
            ("fc00:f853::2", "fc00-f853-0000-0000-0000-0000-0000-0002"),
            ("::ffff:10.0.0.1", "0000-0000-0000-0000-0000-ffff-0a00-0001"),
            ("eth0", "eth0"),
        ] {
            let neighbor: NeighborId = text.parse().unwrap();
            assert_eq!(peer(&neighbor), in_labels);
            let known = session(Some(in_labels), Some("red")).unwrap();
            assert_eq!((&known.neighbor, vrf(&known)), (&neighbor, "red".to_owned()));
            assert_eq!(session(Some(in_labels), None).unwrap().vrf, None);
        }
        assert_eq!(session(Some("no such"), Some("")), None);
        assert_eq!(session(None, None), None);
    }
}
