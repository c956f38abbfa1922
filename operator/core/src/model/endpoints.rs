//! Where Services have endpoints that can serve.

use crate::snapshot::{EndpointSlice, Serves, ServiceKey, SliceKey};
use herald_frr::shared::SharedMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a Service has endpoints that can serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serving {
    /// At least one endpoint can serve, wherever it is.
    pub anywhere: bool,
    /// Nodes that have a ready one.
    pub ready: BTreeSet<Arc<str>>,
    /// Nodes that have one that terminates and still serves.
    pub leaving: BTreeSet<Arc<str>>,
}

impl Serving {
    /// Adds what one slice says.
    pub(crate) fn add(&mut self, slice: &EndpointSlice) {
        for endpoint in &slice.endpoints {
            let nodes = match endpoint.serves {
                Serves::Ready => &mut self.ready,
                Serves::Leaving => &mut self.leaving,
                Serves::No => continue,
            };
            nodes.extend(endpoint.node.clone());
            self.anywhere = true;
        }
    }
}

/// All slices of a Service together.
pub(crate) fn collect(slices: &SharedMap<SliceKey, Arc<EndpointSlice>>) -> BTreeMap<ServiceKey, Serving> {
    let mut endpoints: BTreeMap<ServiceKey, Serving> = BTreeMap::new();
    for (key, slice) in slices {
        endpoints.entry(key.service.clone()).or_default().add(slice);
    }
    endpoints
}

/// All slices of one Service together; `None` where there is none.
pub(crate) fn serving_of(
    slices: &SharedMap<SliceKey, Arc<EndpointSlice>>,
    service: &ServiceKey,
) -> Option<Serving> {
    let first = SliceKey { service: service.clone(), name: "".into() };
    let of_it = slices.from_key(&first).take_while(|(key, _)| key.service == *service);
    of_it.fold(None, |serving, (_, slice)| {
        let mut serving: Serving = serving.unwrap_or_default();
        serving.add(slice);
        Some(serving)
    })
}
