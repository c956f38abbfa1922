//! Rules that the API server checks (CEL). Messages are those of MetalLB and frr-k8s: tools match them.

use serde_json::{Value, json};

/// The field cannot change once it is set.
pub(crate) fn immutable(message: &str) -> Value {
    json!([{ "rule": "self == oldSelf", "message": message }])
}

/// A duration of 1 s to 65535 s in whole seconds.
pub(crate) fn connect_time() -> Value {
    json!([
        {
            "rule": "duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535",
            "message": "connect time should be between 1 seconds to 65535",
        },
        {
            "rule": "duration(self).getMilliseconds() % 1000 == 0",
            "message": "connect time should contain a whole number of seconds",
        },
    ])
}

/// A BGPAdvertisement that picks Services announces their addresses one by one; and lengths that a prefix can have.
pub(crate) fn aggregation() -> Value {
    json!([
        {
            "rule": "!has(self.serviceSelectors) || self.serviceSelectors.size() == 0 || ((!has(self.aggregationLength) || \
                     self.aggregationLength == 32) && (!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))",
            "message": "serviceSelectors and aggregationLength are mutually exclusive, can only be used together with default \
                        aggregationLength (32) and aggregationLengthV6 (128)",
        },
        {
            "rule": "!has(self.aggregationLength) || self.aggregationLength <= 32",
            "message": "invalid aggregation length: must be between 1 and 32",
        },
        {
            "rule": "!has(self.aggregationLengthV6) || (self.aggregationLengthV6 >= 1 && self.aggregationLengthV6 <= 128)",
            "message": "invalid aggregation length: must be between 1 and 128",
        },
    ])
}

/// A BGPPeer that contradicts itself. Messages are those of the admission webhook, which sees the rest.
pub(crate) fn one_session() -> Value {
    json!([
        { "rule": "self.myASN > 0", "message": "missing local ASN" },
        {
            "rule": "!has(self.peerASN) || self.peerASN == 0 || !has(self.dynamicASN)",
            "message": "both peer ASN and dynamicASN specified",
        },
        {
            "rule": "!has(self.peerAddress) || self.peerAddress == '' || !has(self.interface) || self.interface == ''",
            "message": "peer has both Address and Interface specified",
        },
        {
            "rule": "!has(self.password) || self.password == '' || !has(self.passwordSecret) || \
                     !has(self.passwordSecret.name) || self.passwordSecret.name == ''",
            "message": "can not have both password and secret ref set",
        },
    ])
}

/// A pool of nothing.
pub(crate) fn some_addresses() -> Value {
    json!([{ "rule": "self.addresses.size() > 0", "message": "pool has no prefixes defined" }])
}
