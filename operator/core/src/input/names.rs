//! Names of objects (Kubernetes "Object Names and IDs").

use super::error::InputError;
use super::tree::{Tree, Value, shorten};
use crate::problem::{FieldPath, ObjectRef};
use std::sync::Arc;

const SUBDOMAIN: &str = "it must be lower case letters, digits, '-' and '.', at most 253";
const LABEL: &str = "it must be lower case letters, digits and '-', at most 63";

/// Kind, namespace and name of a manifest, both names checked as the API server does.
pub fn object_ref(
    kind: &'static str,
    tree: &Tree<'_>,
    intern: &mut dyn FnMut(&str) -> Arc<str>,
) -> Result<ObjectRef, (FieldPath, InputError)> {
    let fail = |field: &str, why| Err((FieldPath::of(field), why));
    let metadata = tree.get("metadata");
    let Some(name) = metadata.and_then(|m| m.get("name")) else {
        return fail("metadata", InputError::NoManifest(format!("the {kind} has no metadata.name")));
    };
    let Some(name) = name.text() else {
        return fail("metadata.name", wrong_type(kind, "metadata.name", name));
    };
    if !is_subdomain(name) {
        return fail(
            "metadata.name",
            InputError::InvalidName { kind, name: shorten(name).into_owned(), rule: SUBDOMAIN },
        );
    }
    let namespace = match metadata.and_then(|m| m.get("namespace")) {
        None => "",
        Some(tree) => match &tree.value {
            Value::Null => "",
            Value::Text(text) if text.is_empty() || is_label(text) => text,
            Value::Text(text) => {
                let why = InputError::InvalidName { kind, name: shorten(text).into_owned(), rule: LABEL };
                return fail("metadata.namespace", why);
            }
            _ => {
                return fail("metadata.namespace", wrong_type(kind, "metadata.namespace", tree));
            }
        },
    };
    Ok(ObjectRef { kind, namespace: intern(namespace), name: intern(name) })
}

/// Says kind and field itself: without a name there is no object to say it of.
fn wrong_type(kind: &str, field: &str, tree: &Tree<'_>) -> InputError {
    let plain = !matches!(tree.value, Value::Null | Value::List(_) | Value::Map(_));
    let hint = if plain { "; put it in quotes" } else { "" };
    InputError::WrongType(format!("the {kind}'s {field} must be a text, not {}{hint}", tree.describe()))
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_plain)
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_plain(text)
}

fn is_plain(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    edge(text.as_bytes().first())
        && edge(text.as_bytes().last())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
