//! BGPPeer between v1beta1 and v1beta2.
//!
//! Differs from MetalLB in one point: a timer that v1beta1 leaves unset stays unset, where MetalLB makes it an explicit
//! zero, with which the session would send no keepalives.

use super::BGPPeerSpec;
use super::v1beta1::{self, MatchExpression, NodeSelector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

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

impl From<BGPPeerSpec> for v1beta1::BGPPeerSpec {
    /// What v1beta1 can say of the session. `localASN`, `dynamicASN`, `interface`, `connectTime`, `passwordSecret`,
    /// `enableGracefulRestart`, `vrf`, `disableMP` and `dualStackAddressFamily` are lost, as with MetalLB; a peer without
    /// `peerASN` or `peerAddress` gets 0 and the empty text, which v1beta1 requires to be there.
    fn from(new: BGPPeerSpec) -> Self {
        Self {
            my_asn: new.my_asn,
            peer_asn: new.peer_asn.unwrap_or_default(),
            peer_address: new.peer_address.unwrap_or_default(),
            source_address: new.source_address,
            peer_port: new.peer_port,
            hold_time: new.hold_time,
            keepalive_time: new.keepalive_time,
            router_id: new.router_id,
            node_selectors: new.node_selectors.into_iter().map(NodeSelector::from).collect(),
            password: new.password,
            bfd_profile: new.bfd_profile,
            ebgp_multi_hop: new.ebgp_multi_hop,
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

impl From<LabelSelector> for NodeSelector {
    fn from(new: LabelSelector) -> Self {
        let expressions = new.match_expressions.unwrap_or_default().into_iter().map(|new| MatchExpression {
            key: new.key,
            operator: new.operator,
            values: new.values.unwrap_or_default(),
        });
        Self { match_labels: new.match_labels.unwrap_or_default(), match_expressions: expressions.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn upgrade(spec: Value) -> Value {
        let old: v1beta1::BGPPeerSpec = serde_json::from_value(spec).unwrap();
        serde_json::to_value(BGPPeerSpec::from(old)).unwrap()
    }

    fn downgrade(spec: Value) -> Value {
        let new: BGPPeerSpec = serde_json::from_value(spec).unwrap();
        serde_json::to_value(v1beta1::BGPPeerSpec::from(new)).unwrap()
    }

    fn everything() -> Value {
        json!({
            "myASN": 65000,
            "peerASN": 65001,
            "peerAddress": "192.0.2.1",
            "sourceAddress": "192.0.2.2",
            "peerPort": 1179,
            "holdTime": "30s",
            "keepaliveTime": "10s",
            "routerID": "192.0.2.3",
            "nodeSelectors": [
                { "matchLabels": { "rack": "1" } },
                { "matchExpressions": [{ "key": "rack", "operator": "In", "values": ["2", "3"] }] },
                {},
            ],
            "password": "secret",
            "bfdProfile": "fast",
            "ebgpMultiHop": true,
        })
    }

    #[test]
    fn what_both_versions_know_survives_both_ways() {
        assert_eq!(upgrade(everything()), everything());
        assert_eq!(downgrade(everything()), everything());
    }

    // MetalLB turns unset timers into `timers 0 0`.
    #[test]
    fn unset_timers_stay_unset() {
        let least = json!({ "myASN": 65000, "peerASN": 65001, "peerAddress": "192.0.2.1" });
        assert_eq!(upgrade(least.clone()), least);
        assert_eq!(downgrade(least.clone()), least);
    }

    #[test]
    fn explicit_zero_timers_stay_zero() {
        let zero = json!({
            "myASN": 65000, "peerASN": 65001, "peerAddress": "192.0.2.1", "holdTime": "0s", "keepaliveTime": "0s",
        });
        assert_eq!(upgrade(zero.clone()), zero);
    }

    #[test]
    fn port_zero_is_the_default_port() {
        let port = json!({ "myASN": 65000, "peerASN": 65001, "peerAddress": "192.0.2.1", "peerPort": 0 });
        assert_eq!(upgrade(port).get("peerPort"), None);
    }

    #[test]
    fn v1beta1_loses_what_it_cannot_say() {
        let new = json!({
            "myASN": 65000,
            "localASN": 64999,
            "dynamicASN": "external",
            "interface": "eth0",
            "connectTime": "5s",
            "passwordSecret": { "name": "peer" },
            "enableGracefulRestart": true,
            "vrf": "red",
            "disableMP": true,
            "dualStackAddressFamily": true,
        });
        assert_eq!(downgrade(new), json!({ "myASN": 65000, "peerASN": 0, "peerAddress": "" }));
    }

    #[test]
    fn a_condition_without_values_survives() {
        let selectors = json!([{ "matchExpressions": [{ "key": "rack", "operator": "Exists" }] }]);
        let new = json!({ "myASN": 65000, "peerASN": 65001, "peerAddress": "192.0.2.1", "nodeSelectors": selectors });
        assert_eq!(upgrade(downgrade(new.clone())), new);
    }
}
