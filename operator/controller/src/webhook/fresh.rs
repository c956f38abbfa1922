//! Whether what is known is all that is stored: another replica may have admitted an object a moment ago, and a watch tells
//! of it later.
//!
//! Before a request is judged, the objects that count are listed by quorum read, only their names and versions, and the
//! watches are waited for until they show as much. Requests that come together share a list; each one's begins after it came.

use futures::future::try_join_all;
use herald_core::input::objects::{Kind, View, newer};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, Client};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// What decides about objects of ours, without nodes: those nobody is asked about.
const KINDS: [Kind; 7] = [
    Kind::IpAddressPool,
    Kind::L2Advertisement,
    Kind::BgpAdvertisement,
    Kind::BgpPeer,
    Kind::BfdProfile,
    Kind::Community,
    Kind::FrrConfiguration,
];
/// From one list to the next one, at least.
const BETWEEN: Duration = Duration::from_millis(10);
/// A list that takes longer has failed.
const LIST: Duration = Duration::from_secs(3);
/// What takes longer is broken, and nothing can be said.
const SHOWN: Duration = Duration::from_secs(5);
/// After a list that failed.
const SOON: Duration = Duration::from_millis(50);
/// A list that no view equals is made again: what it names may be gone since.
const AGAIN: Duration = Duration::from_millis(250);

/// One who waits.
type Ask = oneshot::Sender<()>;

/// How to wait for what is stored.
pub struct Fresh {
    asks: mpsc::UnboundedSender<Ask>,
}

impl Fresh {
    /// And who is to answer: [`Lists`].
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Ask>) {
        let (asks, asked) = mpsc::unbounded_channel();
        (Self { asks }, asked)
    }

    /// Waits until all that was stored before is known. False where that cannot be found out.
    pub async fn wait(&self) -> bool {
        let (ask, answer) = oneshot::channel();
        self.asks.send(ask).is_ok() && answer.await.is_ok()
    }
}

/// Answers [`Fresh`].
pub struct Lists {
    /// Who is asked.
    pub client: Client,
    /// The namespace of the configuration.
    pub namespace: Arc<str>,
    /// What is known.
    pub views: watch::Receiver<View>,
    /// Who waits.
    pub asked: mpsc::UnboundedReceiver<Ask>,
}

/// The objects of some kinds by name, and the version of each list.
#[derive(Default)]
struct Listed {
    kinds: HashMap<&'static str, (String, BTreeMap<String, String>)>,
}

impl Lists {
    /// Never ends by itself.
    pub async fn run(mut self) {
        let mut next = Instant::now();
        while let Some(ask) = self.asked.recv().await {
            sleep_until(next).await;
            next = Instant::now() + BETWEEN;
            let mut waiting = vec![ask];
            while let Ok(ask) = self.asked.try_recv() {
                waiting.push(ask);
            }
            if self.is_known().await {
                for ask in waiting {
                    // One that has given up.
                    let _ = ask.send(());
                }
            }
        }
        std::future::pending::<()>().await;
    }

    async fn is_known(&mut self) -> bool {
        let deadline = Instant::now() + SHOWN;
        let mut needed: Option<Listed> = None;
        while Instant::now() < deadline {
            match timeout(LIST, self.list()).await {
                Ok(Ok(listed)) => {
                    // What came after the first list is not waited for: under load that would never end.
                    let needed = match &mut needed {
                        Some(needed) => needed.without_gone(&listed),
                        none => none.insert(listed),
                    };
                    let shown = timeout(AGAIN, self.views.wait_for(|view| needed.is_in(view))).await;
                    if matches!(shown, Ok(Ok(_))) {
                        return true;
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(op = "admission", error = %error, "cannot list what is stored; trying again");
                    sleep(SOON).await;
                }
                Err(_) => tracing::warn!(op = "admission", "what is stored was not listed in time"),
            }
        }
        tracing::warn!(op = "admission", "it cannot be said whether all that is stored is known");
        false
    }

    async fn list(&self) -> kube::Result<Listed> {
        let kinds = try_join_all(KINDS.map(|kind| self.list_kind(kind))).await?;
        Ok(Listed { kinds: kinds.into_iter().collect() })
    }

    async fn list_kind(
        &self,
        kind: Kind,
    ) -> kube::Result<(&'static str, (String, BTreeMap<String, String>))> {
        let resource = ApiResource {
            group: kind.group().to_owned(),
            version: kind.version().to_owned(),
            api_version: kind.api_version(),
            kind: kind.name().to_owned(),
            plural: kind.plural().to_owned(),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let list = match api.list_metadata(&ListParams::default()).await {
            Ok(list) => list,
            // A kind that is not installed has no objects.
            Err(kube::Error::Api(status)) if status.code == 404 => {
                return Ok((kind.name(), Default::default()));
            }
            Err(error) => return Err(error),
        };
        let version = list.metadata.resource_version.unwrap_or_default();
        let one = |metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
            (metadata.name.unwrap_or_default(), metadata.resource_version.unwrap_or_default())
        };
        Ok((kind.name(), (version, list.items.into_iter().map(|object| one(object.metadata)).collect())))
    }
}

impl Listed {
    /// Without what a later list does not name any more.
    fn without_gone(&mut self, later: &Self) -> &Self {
        for (kind, (_, names)) in &mut self.kinds {
            let there = later.kinds.get(kind).map(|(_, names)| names);
            names.retain(|name, _| there.is_some_and(|there| there.contains_key(name)));
        }
        self
    }

    /// Whether a view shows all of it, or what came after it.
    fn is_in(&self, view: &View) -> bool {
        let mut shown = 0;
        for (id, facts) in &view.objects {
            let Some((version, names)) = self.kinds.get(id.kind) else { continue };
            match names.get(&*id.name) {
                Some(listed) if newer(listed, &facts.resource_version) => return false,
                Some(_) => shown += 1,
                // It is gone, unless it came later.
                None if !newer(&facts.resource_version, version) => return false,
                None => {}
            }
        }
        let gone = |(_, names): &(String, BTreeMap<String, String>)| names.len();
        // One that was listed and is gone since cannot be told from one that is not shown yet.
        shown == self.kinds.values().map(gone).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::input;
    use herald_core::input::objects::{Keep, Objects};
    use serde_json::json;

    fn listed(version: &str, pools: &[(&str, &str)]) -> Listed {
        let names = pools.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        Listed { kinds: [("IPAddressPool", (version.to_owned(), names))].into() }
    }

    #[test]
    fn a_view_is_fresh_once_it_shows_everything_that_is_there_and_nothing_that_is_gone() {
        let mut all = Objects::new(&input::Options::default(), Keep { facts: true, ..Keep::default() });
        let pool = |version: &str| {
            json!({"metadata": {"name": "a", "namespace": "n", "resourceVersion": version},
                "spec": {"addresses": ["192.0.2.0/24"]}})
        };
        all.replace(Kind::IpAddressPool, [pool("9")]);
        let view = all.view();
        assert!(listed("9", &[("a", "9")]).is_in(&view));
        assert!(listed("7", &[]).is_in(&view), "it came after the list");
        assert!(!listed("10", &[("a", "10")]).is_in(&view), "it has changed");
        assert!(!listed("10", &[("a", "9"), ("b", "10")]).is_in(&view), "another one is there");
        assert!(!listed("10", &[]).is_in(&view), "it is gone");
        let mut first = listed("10", &[("a", "9"), ("b", "10")]);
        assert!(
            first.without_gone(&listed("12", &[("a", "9"), ("c", "12")])).is_in(&view),
            "b came and went"
        );
        // Only its status changed: that is a version, too.
        all.apply(Kind::IpAddressPool, &pool("10"));
        assert!(all.has_changed() && listed("10", &[("a", "10")]).is_in(&all.view()));
    }
}
