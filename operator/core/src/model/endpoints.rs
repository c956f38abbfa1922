//! Where Services have endpoints that can serve.

use super::service::ServiceKey;
use crate::snapshot::EndpointSlice;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a Service has endpoints that can serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serving {
    /// At least one endpoint can serve, wherever it is.
    pub anywhere: bool,
    /// Nodes that have one.
    pub nodes: BTreeSet<Arc<str>>,
}

/// All slices of a Service together.
pub(crate) fn collect(slices: &[EndpointSlice]) -> BTreeMap<ServiceKey, Serving> {
    let mut endpoints: BTreeMap<ServiceKey, Serving> = BTreeMap::new();
    for slice in slices {
        let key = ServiceKey { namespace: slice.object.namespace.clone(), name: slice.service.clone() };
        let serving = endpoints.entry(key).or_default();
        for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.can_serve) {
            serving.anywhere = true;
            serving.nodes.extend(endpoint.node.clone());
        }
    }
    endpoints
}
