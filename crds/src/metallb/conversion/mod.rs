//! BGPPeer between v1beta1 and v1beta2, without loss.
//!
//! Differs from MetalLB in two points: a timer that v1beta1 leaves unset stays unset, where MetalLB makes it an explicit
//! zero, with which the session would send no keepalives; and what one version cannot say is kept in an annotation of the
//! other, [`ANNOTATION`]. Whoever edits an object in v1beta1 wins over what is kept.

mod kept;
mod spec;

pub use kept::ANNOTATION;

use kept::Kept;
use serde_json::{Map, Value};

const V1BETA1: &str = "metallb.io/v1beta1";
const V1BETA2: &str = "metallb.io/v1beta2";

/// Why an object cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConversionError {
    /// It is no BGPPeer.
    #[error("is a {0}, and only BGPPeers of metallb.io have several versions")]
    Kind(String),
    /// A version that does not exist.
    #[error("BGPPeer has no version {0:?}; known: metallb.io/v1beta1, metallb.io/v1beta2")]
    Version(String),
}

/// The object in another version, given as `apiVersion`. Whatever is wrong with its values stays wrong: an object that is
/// stored must be readable.
pub fn convert(mut object: Value, to: &str) -> Result<Value, ConversionError> {
    let kind = text(&object, "kind");
    if kind != "BGPPeer" {
        return Err(ConversionError::Kind(kind.to_owned()));
    }
    let from = text(&object, "apiVersion").to_owned();
    for version in [from.as_str(), to] {
        if ![V1BETA1, V1BETA2].contains(&version) {
            return Err(ConversionError::Version(version.to_owned()));
        }
    }
    if from != to {
        let kept = Kept::take(&mut object);
        let spec = object.get_mut("spec").and_then(Value::as_object_mut);
        let keep = match (spec, to) {
            (None, _) => Kept::default(),
            (Some(spec), V1BETA1) => downgrade(spec, &kept),
            (Some(spec), _) => upgrade(spec, &kept),
        };
        keep.put(&mut object);
        object["apiVersion"] = to.into();
    }
    Ok(object)
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Fields that v1beta1 requires and v1beta2 does not, with what stands for nothing.
fn required() -> [(&'static str, Value); 2] {
    [("peerASN", 0.into()), ("peerAddress", "".into())]
}

/// What v1beta1 says in place of what v1beta2 adds: with the one in use, the other is not what it was.
const IN_PLACE_OF: [(&str, &str); 3] =
    [("dynamicASN", "peerASN"), ("interface", "peerAddress"), ("passwordSecret", "password")];

fn downgrade(spec: &mut Map<String, Value>, kept: &Kept) -> Kept {
    let mut keep = Kept::default();
    for field in spec::ONLY_V1BETA2 {
        if let Some(value) = spec.remove(field).filter(|value| !spec::is_default(field, value)) {
            keep.v1beta2.insert(field.to_owned(), value);
        }
    }
    for (field, nothing) in required() {
        if !spec.contains_key(field) {
            spec.insert(field.to_owned(), nothing);
            keep.absent.insert(field.to_owned());
        }
    }
    if keep.v1beta2.contains_key("passwordSecret") && !spec.contains_key("password") {
        keep.absent.insert("password".to_owned());
    }
    // 179 is the default of v1beta2, which the server adds where nothing is said.
    let default_port = spec.get("peerPort").is_none_or(|port| port.as_i64() == Some(179));
    if let Some(port) = kept.v1beta1.get("peerPort").filter(|_| default_port) {
        spec.insert("peerPort".to_owned(), port.clone());
    }
    keep
}

fn upgrade(spec: &mut Map<String, Value>, kept: &Kept) -> Kept {
    let mut keep = Kept::default();
    if spec.get("peerPort").and_then(Value::as_i64) == Some(0) {
        keep.v1beta1.extend(spec.remove_entry("peerPort"));
    }
    let plain = spec.clone();
    let edited: Vec<&str> =
        kept.absent.iter().map(String::as_str).filter(|field| is_said(spec, field)).collect();
    for (field, nothing) in required() {
        if kept.absent.contains(field) && spec.get(field) == Some(&nothing) {
            spec.remove(field);
        }
    }
    for (field, value) in &kept.v1beta2 {
        let lost = IN_PLACE_OF.iter().any(|(new, old)| new == field && edited.contains(old));
        if !lost && spec::ONLY_V1BETA2.contains(&field.as_str()) {
            spec.insert(field.clone(), value.clone());
        }
    }
    // Anybody can write an annotation: what would make the object unreadable is not taken from it.
    if !spec::is_readable(spec) {
        *spec = plain;
    }
    keep
}

/// Whether a field says something, where nothing stood before.
fn is_said(spec: &Map<String, Value>, field: &str) -> bool {
    let nothing = |value: &Value| value.as_i64() == Some(0) || value.as_str() == Some("");
    spec.get(field).is_some_and(|value| !nothing(value))
}
