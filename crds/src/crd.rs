//! The CustomResourceDefinitions: what the derives give, brought to the shape that users' tools know.

use crate::{frrk8s, metallb};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
    JSONSchemaPropsOrBool, ServiceReference, WebhookClientConfig, WebhookConversion,
};
use kube::CustomResourceExt;
use serde_yaml::Value;

/// The file of `crds/yaml` by which `kubectl --kustomize` finds the others.
pub const KUSTOMIZATION: &str = "kustomization.yaml";

const HEADER: &str = "# Written by `cargo crdgen` from the types in crds/src: change those.\n";

/// The definition of every kind (`apiextensions.k8s.io/v1`), sorted by name.
#[must_use]
pub fn schemas() -> Vec<CustomResourceDefinition> {
    let mut all = vec![
        metallb::BFDProfile::crd(),
        metallb::BGPAdvertisement::crd(),
        bgp_peer(),
        metallb::Community::crd(),
        metallb::ConfigurationState::crd(),
        metallb::IPAddressPool::crd(),
        metallb::L2Advertisement::crd(),
        metallb::MetalLB::crd(),
        metallb::ServiceBGPStatus::crd(),
        metallb::ServiceL2Status::crd(),
        frrk8s::BGPSessionState::crd(),
        frrk8s::FRRConfiguration::crd(),
        frrk8s::FRRK8sConfiguration::crd(),
        frrk8s::FRRNodeState::crd(),
    ];
    all.iter_mut().for_each(finish);
    all.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    all
}

/// The files of `crds/yaml`: name and content, one for each of [`schemas`], and the kustomization that lists them.
///
/// # Errors
/// A definition that is no YAML; does not happen with the types of this crate.
pub fn files() -> Result<Vec<(String, String)>, serde_yaml::Error> {
    let mut files = Vec::new();
    let mut list =
        format!("{HEADER}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
    for crd in schemas() {
        let name = file_name(&crd);
        list.extend(["- ", &name, "\n"]);
        files.push((name, format!("{HEADER}{}", serde_yaml::to_string(&plain(&crd)?)?)));
    }
    files.push((KUSTOMIZATION.to_owned(), list));
    Ok(files)
}

fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural)
}

/// Both versions of BGPPeer. The API server asks the controller to convert between them.
fn bgp_peer() -> CustomResourceDefinition {
    let mut crd = metallb::BGPPeer::crd();
    crd.spec.versions.splice(0..0, metallb::v1beta1::BGPPeer::crd().spec.versions);
    crd.spec.conversion = Some(CustomResourceConversion {
        strategy: "Webhook".to_owned(),
        webhook: Some(WebhookConversion {
            client_config: Some(WebhookClientConfig {
                // The controller adds the caBundle of the certificate that it serves with.
                service: Some(ServiceReference {
                    name: "metallb-webhook-service".to_owned(),
                    namespace: "metallb-system".to_owned(),
                    path: Some("/convert".to_owned()),
                    port: None,
                }),
                ..WebhookClientConfig::default()
            }),
            conversion_review_versions: vec!["v1beta1".to_owned(), "v1beta2".to_owned()],
        }),
    });
    crd
}

fn finish(crd: &mut CustomResourceDefinition) {
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    // A pool without addresses is of no use; the other kinds mean something without a spec, or are refused with a better
    // message by the admission webhook.
    let needs_spec = crd.spec.names.kind == "IPAddressPool";
    for version in &mut crd.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else {
            continue;
        };
        finish_schema(root);
        root.required = needs_spec.then(|| vec!["spec".to_owned()]);
        let properties = root.properties.get_or_insert_default();
        properties.insert("apiVersion".to_owned(), described("string", "Group and version of this kind."));
        properties.insert("kind".to_owned(), described("string", "This kind's name."));
        properties.insert(
            "metadata".to_owned(),
            JSONSchemaProps { type_: Some("object".to_owned()), ..Default::default() },
        );
    }
}

fn described(type_: &str, description: &str) -> JSONSchemaProps {
    JSONSchemaProps {
        type_: Some(type_.to_owned()),
        description: Some(description.to_owned()),
        ..JSONSchemaProps::default()
    }
}

/// What the derives add and this API does not have: `title`, and `nullable`, with which the API server would keep a
/// `null` instead of dropping it and applying the default. Descriptions become one paragraph.
fn finish_schema(schema: &mut JSONSchemaProps) {
    schema.title = None;
    schema.nullable = None;
    if let Some(description) = &mut schema.description {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if schema.x_kubernetes_int_or_string == Some(true) {
        // kube takes the types out of every anyOf; here is the one place where a structural schema has them.
        let of_type =
            |type_: &str| JSONSchemaProps { type_: Some(type_.to_owned()), ..JSONSchemaProps::default() };
        schema.any_of = Some(vec![of_type("integer"), of_type("string")]);
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(finish_schema);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => finish_schema(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(finish_schema),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        finish_schema(values);
    }
}

/// The definition as a value, with whole numbers as such: the type has its bounds as floating point.
fn plain(crd: &CustomResourceDefinition) -> Result<Value, serde_yaml::Error> {
    let mut value = serde_yaml::to_value(crd)?;
    whole_numbers(&mut value);
    Ok(value)
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Sequence(items) => items.iter_mut().for_each(whole_numbers),
        Value::Mapping(fields) => fields.iter_mut().for_each(|(_, value)| whole_numbers(value)),
        Value::Number(number) if number.is_f64() => {
            if let Ok(whole) = number.to_string().trim_end_matches(".0").parse::<i64>() {
                *value = whole.into();
            }
        }
        _ => {}
    }
}
