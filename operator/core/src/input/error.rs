//! What can be wrong with a manifest before its values are judged.

use crate::problem::Reason;

/// Why a document, an object or a field of it cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The text is no YAML or JSON; the words are the parser's.
    #[error("cannot be read as YAML or JSON: {0}")]
    Syntax(String),
    /// Reading the document would cost more than any manifest needs.
    #[error("{0}")]
    Limit(&'static str),
    /// A document without `apiVersion`, `kind` or a name.
    #[error("is no Kubernetes manifest: {0}")]
    NoManifest(String),
    /// A kind that its API group does not have.
    #[error("{api_version} has no kind {kind}{}", hint(nearest.as_deref()))]
    UnknownKind {
        /// As written.
        api_version: String,
        /// As written.
        kind: String,
        /// The nearest that is known.
        nearest: Option<String>,
    },
    /// A version that its kind does not have.
    #[error("{kind} has no version {version}; known: {known}")]
    UnknownVersion {
        /// The kind.
        kind: &'static str,
        /// As written.
        version: String,
        /// What is known.
        known: String,
    },
    /// A field that is not in the schema.
    #[error("unknown field{}", hint(nearest.as_deref()))]
    UnknownField {
        /// The nearest known field beside it.
        nearest: Option<String>,
    },
    /// A value of another type.
    #[error("{0}")]
    WrongType(String),
    /// A field that must be there.
    #[error("is required")]
    RequiredField,
    /// A value that is not among those that the field knows.
    #[error("{value:?} is not supported; known: {known}{}", hint(nearest.as_deref()))]
    UnsupportedValue {
        /// As written.
        value: String,
        /// All that are.
        known: String,
        /// The nearest of them.
        nearest: Option<String>,
    },
    /// A number beyond its bounds.
    #[error("{value} is out of range; it must be {bounds}")]
    OutOfRange {
        /// As written.
        value: String,
        /// The bounds in words.
        bounds: String,
    },
    /// Too few or too many items or characters.
    #[error("has {length} {what}; it must have {bounds}")]
    InvalidLength {
        /// How many there are.
        length: i64,
        /// The bounds in words.
        bounds: String,
        /// Items or characters.
        what: &'static str,
    },
    /// A text that is not what its field holds.
    #[error("{value:?} is not {what}")]
    InvalidFormat {
        /// As written.
        value: String,
        /// What it should be.
        what: &'static str,
    },
    /// The same key twice in one mapping.
    #[error("the key is written twice, first on line {first}")]
    DuplicateField {
        /// Line of the first one.
        first: u32,
    },
    /// The same object twice.
    #[error("the object is already defined at {first}; this one is left out")]
    DuplicateObject {
        /// Where the first one stands.
        first: String,
    },
    /// Two objects of one kind and name in different namespaces, where names are references.
    #[error("{other} has the same name, which makes references to it ambiguous; this one is left out")]
    AmbiguousName {
        /// The first one and where it stands.
        other: String,
    },
    /// A name that the API server refuses.
    #[error("{name:?} is not a valid name for the {kind} or its namespace: {rule}")]
    InvalidName {
        /// The kind of the object.
        kind: &'static str,
        /// As written.
        name: String,
        /// What a name must be.
        rule: &'static str,
    },
    /// A `ConfigMap` of MetalLB 0.12 and before.
    #[error(
        "MetalLB's ConfigMap is not read since 0.13: write an IPAddressPool and an L2Advertisement or BGPAdvertisement instead"
    )]
    LegacyConfigMap,
    /// Raw configuration of MetalLB's frr mode.
    #[error(
        "bgpextras is deprecated: it is applied, before all other raw configuration; write an FRRConfiguration with \
         spec.raw.rawConfig instead"
    )]
    BgpExtras,
    /// `data.password` of a Secret is not base64.
    #[error("is not base64, as values under data must be; plain text goes under stringData")]
    InvalidBase64,
}

impl Reason for InputError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "InvalidSyntax",
            Self::Limit(_) => "LimitExceeded",
            Self::NoManifest(_) => "NotAManifest",
            Self::UnknownKind { .. } => "UnknownKind",
            Self::UnknownVersion { .. } => "UnknownVersion",
            Self::UnknownField { .. } => "UnknownField",
            Self::WrongType(_) => "WrongType",
            Self::RequiredField => "RequiredField",
            Self::UnsupportedValue { .. } => "UnsupportedValue",
            Self::OutOfRange { .. } => "OutOfRange",
            Self::InvalidLength { .. } => "InvalidLength",
            Self::InvalidFormat { .. } => "InvalidFormat",
            Self::DuplicateField { .. } => "DuplicateField",
            Self::DuplicateObject { .. } => "DuplicateObject",
            Self::AmbiguousName { .. } => "AmbiguousName",
            Self::InvalidName { .. } => "InvalidName",
            Self::LegacyConfigMap => "LegacyConfigMap",
            Self::BgpExtras => "DeprecatedBGPExtras",
            Self::InvalidBase64 => "InvalidBase64",
        }
    }
}

/// ", did you mean X?" or nothing.
fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean {name}?")).unwrap_or_default()
}

/// The candidate nearest to what was written, if one is near enough to be meant.
pub fn nearest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    // No name of ours is that long, and the comparison costs the product of the lengths.
    if written.len() > 64 {
        return None;
    }
    let folded = written.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.len().max(written.len()) / 3).max(1))
        .min()
        .map(|(_, name)| name.to_owned())
}
