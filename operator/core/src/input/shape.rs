//! The schemas of our kinds, with as much of them as objects are held against. Kubernetes' own type of a schema takes 1 KB
//! for each field, and there are a thousand.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What a value may be; fields are named as in `JSONSchemaProps`.
#[derive(Debug)]
pub struct Shape {
    type_: Option<Box<str>>,
    format: Option<Box<str>>,
    pub nullable: bool,
    pub int_or_string: bool,
    pub preserve_unknown_fields: bool,
    /// Names ascending.
    properties: Box<[(Box<str>, Shape)]>,
    pub additional: Option<Box<Shape>>,
    pub items: Option<Box<Shape>>,
    pub required: Box<[Box<str>]>,
    /// The texts of `enum`.
    pub known: Box<[Box<str>]>,
    pub default: Option<Box<Json>>,
    bounds: Option<Box<Bounds>>,
}

/// From the least to the most, each if there is one.
pub type Range<T> = (Option<T>, Option<T>);

/// What few fields have.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// Of a number.
    pub number: Range<f64>,
    /// Items of a list.
    pub items: Range<i64>,
    /// Characters of a text.
    pub length: Range<i64>,
}

impl Shape {
    /// The schema of a kind and version; `None` if they are not ours.
    pub fn of_kind(kind: &str, version: &str) -> Option<&'static Self> {
        type Shapes = HashMap<(String, String), Shape>;
        static SHAPES: OnceLock<Shapes> = OnceLock::new();
        let shapes = SHAPES.get_or_init(|| {
            let mut shapes = Shapes::new();
            for crd in herald_crds::schemas() {
                for version in crd.spec.versions {
                    if let Some(schema) = version.schema.and_then(|s| s.open_api_v3_schema) {
                        shapes.insert((crd.spec.names.kind.clone(), version.name), Self::of(&schema));
                    }
                }
            }
            shapes
        });
        shapes.get(&(kind.to_owned(), version.to_owned()))
    }

    fn of(schema: &JSONSchemaProps) -> Self {
        let boxed = |text: &String| text.as_str().into();
        let below = |schema: &JSONSchemaProps| Box::new(Self::of(schema));
        let bounds = Bounds {
            number: (schema.minimum, schema.maximum),
            items: (schema.min_items, schema.max_items),
            length: (schema.min_length, schema.max_length),
        };
        let properties = schema.properties.iter().flatten();
        Self {
            type_: schema.type_.as_ref().map(boxed),
            format: schema.format.as_ref().map(boxed),
            nullable: schema.nullable == Some(true),
            int_or_string: schema.x_kubernetes_int_or_string == Some(true),
            preserve_unknown_fields: schema.x_kubernetes_preserve_unknown_fields == Some(true),
            properties: properties.map(|(name, schema)| (boxed(name), Self::of(schema))).collect(),
            additional: match &schema.additional_properties {
                Some(JSONSchemaPropsOrBool::Schema(schema)) => Some(below(schema)),
                _ => None,
            },
            items: match &schema.items {
                Some(JSONSchemaPropsOrArray::Schema(schema)) => Some(below(schema)),
                _ => None,
            },
            required: schema.required.iter().flatten().map(boxed).collect(),
            known: schema.enum_.iter().flatten().filter_map(|value| Some(value.0.as_str()?.into())).collect(),
            default: schema.default.as_ref().map(|default| Box::new(default.0.clone())),
            bounds: (bounds != Bounds::default()).then(|| Box::new(bounds)),
        }
    }

    /// `type`.
    pub fn type_(&self) -> Option<&str> {
        self.type_.as_deref()
    }

    /// `format`.
    pub fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// All properties, names ascending.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.properties.iter().map(|(name, below)| (&**name, below))
    }

    /// The property of a name.
    pub fn property(&self, key: &str) -> Option<&Self> {
        let at = self.properties.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        self.properties.get(at).map(|(_, below)| below)
    }

    /// The bounds; none where there are none.
    pub fn bounds(&self) -> Bounds {
        self.bounds.as_deref().copied().unwrap_or_default()
    }
}
