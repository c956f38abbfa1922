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

/// A BGPAdvertisement that picks Services announces their addresses one by one.
pub(crate) fn no_aggregation_of_some_services() -> Value {
    json!([{
        "rule": "!has(self.serviceSelectors) || self.serviceSelectors.size() == 0 || ((!has(self.aggregationLength) || \
                 self.aggregationLength == 32) && (!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))",
        "message": "serviceSelectors and aggregationLength are mutually exclusive, can only be used together with default \
                    aggregationLength (32) and aggregationLengthV6 (128)",
    }])
}
