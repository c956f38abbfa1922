//! Whether the object that is there says what it is to say.

use herald_crds::frrk8s::FRRConfigurationSpec;
use serde_json::Value;

/// Whether a spec, as an API server gives it, means what is wanted: defaults that it filled in are as good as nothing.
#[must_use]
pub fn same(wanted: &FRRConfigurationSpec, found: &Value) -> bool {
    // Specs are made of what JSON has.
    let wanted = serde_json::to_value(wanted).unwrap_or_default();
    bare(&wanted) == bare(found)
}

/// Without what means nothing: empty values, and the defaults of frr-k8s' schema.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key, bare(value)));
            let said = fields.filter(|(key, value)| !is_nothing(key, value));
            Value::Object(said.map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}

fn is_nothing(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => {
            items.is_empty() || (key == "addressFamilies" && *items == [Value::from("unicast")])
        }
        Value::String(text) => text.is_empty() || (key == "mode" && text == "filtered"),
        Value::Bool(true) | Value::Number(_) => false,
    }
}
