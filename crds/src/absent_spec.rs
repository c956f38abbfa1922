//! Objects without a `spec`.
//!
//! The API lets users leave it out, and MetalLB's own documentation does (`kind: L2Advertisement` with a name and nothing
//! else). kube's derive has no attribute for a default there, but serde asks a missing field's type whether it can be made
//! of an absent option. So these types can: absent and `null` are the default.

/// Implements `Serialize` and `Deserialize` for types that derive both with `#[serde(remote = "Self")]`.
macro_rules! absent_is_default {
    ($spec:ty) => {
        impl serde::Serialize for $spec {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // what the derive made, not this function
                <$spec>::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $spec {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Present($spec);
                impl<'de> serde::Deserialize<'de> for Present {
                    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                        <$spec>::deserialize(deserializer).map(Present)
                    }
                }
                Ok(Option::<Present>::deserialize(deserializer)?.map(|present| present.0).unwrap_or_default())
            }
        }
    };
}

pub(crate) use absent_is_default;
