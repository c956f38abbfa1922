//! Specs of both versions.

use super::super::BGPPeerSpec;
use super::super::v1beta1::{self, NodeSelector};
use super::kept::Kept;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::{Map, Value};

/// Fields that v1beta1 does not have.
pub(super) const ONLY_V1BETA2: [&str; 9] = [
    "localASN",
    "dynamicASN",
    "interface",
    "connectTime",
    "passwordSecret",
    "enableGracefulRestart",
    "vrf",
    "disableMP",
    "dualStackAddressFamily",
];

/// Whether the API server writes the same where nothing is said.
pub(super) fn is_default(field: &str, value: &Value) -> bool {
    ["disableMP", "dualStackAddressFamily"].contains(&field) && *value == Value::Bool(false)
}

/// Whether the types of v1beta2 hold it.
pub(super) fn is_readable(spec: &Map<String, Value>) -> bool {
    serde_json::from_value::<BGPPeerSpec>(Value::Object(spec.clone())).is_ok()
}

impl BGPPeerSpec {
    /// The same session as a manifest of v1beta1 says, and what that one's [`super::ANNOTATION`] kept of v1beta2.
    #[must_use]
    pub fn from_v1beta1(old: v1beta1::BGPPeerSpec, annotation: Option<&str>) -> Self {
        let restored = annotation.and_then(|text| {
            let Ok(Value::Object(mut spec)) = serde_json::to_value(&old) else { return None };
            super::upgrade(&mut spec, &Kept::read(text));
            serde_json::from_value(Value::Object(spec)).ok()
        });
        restored.unwrap_or_else(|| old.into())
    }
}

impl From<v1beta1::BGPPeerSpec> for BGPPeerSpec {
    /// The same session. Port 0, which v1beta1 allows, is the default port.
    fn from(old: v1beta1::BGPPeerSpec) -> Self {
        Self {
            my_asn: old.my_asn,
            peer_asn: Some(old.peer_asn),
            peer_address: Some(old.peer_address),
            source_address: old.source_address,
            peer_port: old.peer_port.filter(|port| *port != 0),
            hold_time: old.hold_time,
            keepalive_time: old.keepalive_time,
            router_id: old.router_id,
            node_selectors: old.node_selectors.into_iter().map(LabelSelector::from).collect(),
            password: old.password,
            bfd_profile: old.bfd_profile,
            ebgp_multi_hop: old.ebgp_multi_hop,
            ..Self::default()
        }
    }
}

impl From<NodeSelector> for LabelSelector {
    fn from(old: NodeSelector) -> Self {
        let expressions = old.match_expressions.into_iter().map(|old| LabelSelectorRequirement {
            key: old.key,
            operator: old.operator,
            values: (!old.values.is_empty()).then_some(old.values),
        });
        Self {
            match_labels: (!old.match_labels.is_empty()).then_some(old.match_labels),
            match_expressions: Some(expressions.collect::<Vec<_>>()).filter(|all| !all.is_empty()),
        }
    }
}
