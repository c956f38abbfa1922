//! BFDProfile: timers of BFD sessions.

use crate::absent_spec::absent_is_default;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Timers of the BFD sessions (RFC 5880) that watch BGP peers. What is unset is left to FRR.
#[derive(CustomResource, JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[kube(
    group = "metallb.io",
    version = "v1beta1",
    kind = "BFDProfile",
    plural = "bfdprofiles",
    namespaced,
    status = "BFDProfileStatus",
    derive = "PartialEq",
    doc = "Settings of BFD, which notices a dead path to a BGP peer in milliseconds. A BGPPeer uses one by its name; in FRR it is a profile of the bfd block.",
    printcolumn(name = "Passive Mode", type_ = "boolean", json_path = ".spec.passiveMode"),
    printcolumn(name = "Transmit Interval", type_ = "integer", json_path = ".spec.transmitInterval"),
    printcolumn(name = "Receive Interval", type_ = "integer", json_path = ".spec.receiveInterval"),
    printcolumn(name = "Multiplier", type_ = "integer", json_path = ".spec.detectMultiplier")
)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct BFDProfileSpec {
    /// Shortest interval between control packets that this side accepts, in milliseconds, 10 to 60000. FRR's default
    /// is 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 60000))]
    pub receive_interval: Option<i32>,
    /// Shortest interval between control packets that this side sends, in milliseconds, 10 to 60000. FRR's default is
    /// 300. The two sides agree on the slower of one's transmit and the other's receive interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 60000))]
    pub transmit_interval: Option<i32>,
    /// How many packets in a row may be lost before the session is down, 2 to 255. FRR's default is 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 255))]
    pub detect_multiplier: Option<i32>,
    /// Shortest interval between echo packets, in milliseconds, 10 to 60000. FRR's default is 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 60000))]
    pub echo_interval: Option<i32>,
    /// Send echo packets, which the other side's forwarding path returns. Only for peers one hop away, and not for IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo_mode: Option<bool>,
    /// Do not begin the session: wait for the peer's control packets before sending any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive_mode: Option<bool>,
    /// Lowest TTL that a control packet from a peer several hops away may have, 1 to 254. FRR's default is 254, one hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 254))]
    pub minimum_ttl: Option<i32>,
}

absent_is_default!(BFDProfileSpec);

/// Nothing is reported here.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct BFDProfileStatus {}
