//! Label selectors (Kubernetes meta/v1 `LabelSelector`), checked once, matched often.

use crate::problem::Reason;
use crate::snapshot::Labels;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeSet;
use std::fmt;

/// Why a selector cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// An operator that Kubernetes does not have.
    #[error("{0:?} is not a valid label selector operator")]
    Operator(String),
    /// A key or a value that no label can have.
    #[error("{0:?} is not a valid label key")]
    Key(String),
    /// A label value that no label can have.
    #[error("{0:?} is not a valid label value")]
    Value(String),
    /// `In` and `NotIn` need values.
    #[error("operator {0} needs at least one value")]
    MissingValues(String),
    /// `Exists` and `DoesNotExist` take none.
    #[error("operator {0} takes no values")]
    UnexpectedValues(String),
    /// The same requirement, or the same value, twice.
    #[error("duplicate definition of {0}")]
    Duplicate(String),
}

impl Reason for SelectorError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => "DuplicateSelector",
            _ => "InvalidSelector",
        }
    }
}

/// One requirement: all of a selector's must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Requirement {
    In(String, BTreeSet<String>),
    NotIn(String, BTreeSet<String>),
    Exists(String),
    DoesNotExist(String),
}

/// A checked selector. Without requirements it matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(BTreeSet<Requirement>);

impl Selector {
    /// Checks a selector as `metav1.LabelSelectorAsSelector` does.
    pub fn parse(selector: &LabelSelector) -> Result<Self, SelectorError> {
        let mut requirements = BTreeSet::new();
        for (key, value) in selector.match_labels.iter().flatten() {
            check_key(key)?;
            check_value(value)?;
            requirements.insert(Requirement::In(key.clone(), BTreeSet::from([value.clone()])));
        }
        for expression in selector.match_expressions.iter().flatten() {
            check_key(&expression.key)?;
            let values = expression.values.as_deref().unwrap_or_default();
            values.iter().try_for_each(|v| check_value(v))?;
            requirements.insert(requirement(&expression.key, &expression.operator, values)?);
        }
        Ok(Self(requirements))
    }

    /// A list of selectors, as most of MetalLB's fields are: neither a selector nor anything in one
    /// may stand there twice. `field` is the list's name, for the message.
    ///
    /// All that is wrong comes back, each with the selector's index.
    pub fn parse_list(
        field: &'static str,
        selectors: &[LabelSelector],
    ) -> Result<Vec<Self>, Vec<(usize, SelectorError)>> {
        let mut parsed: Vec<Self> = Vec::with_capacity(selectors.len());
        let mut errors = Vec::new();
        for (index, selector) in selectors.iter().enumerate() {
            match check_repeated(selector).and_then(|()| Self::parse(selector)) {
                Ok(selector) if parsed.contains(&selector) => {
                    errors.push((index, SelectorError::Duplicate(format!("{field} {{{selector}}}"))));
                }
                Ok(selector) => parsed.push(selector),
                Err(error) => errors.push((index, error)),
            }
        }
        if errors.is_empty() { Ok(parsed) } else { Err(errors) }
    }

    /// Whether an object with these labels is selected.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|v| !values.contains(v)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::DoesNotExist(key) => !labels.contains_key(key),
        })
    }

    /// The fewest labels that it selects, as long as no two of its requirements contradict each other.
    #[must_use]
    pub fn example(&self) -> Labels {
        let label = |requirement: &Requirement| match requirement {
            Requirement::In(key, values) => Some((key.clone(), values.first()?.clone())),
            Requirement::Exists(key) => Some((key.clone(), "true".to_owned())),
            Requirement::NotIn(..) | Requirement::DoesNotExist(_) => None,
        };
        self.0.iter().filter_map(label).collect()
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }
}

/// As `kubectl get -l` takes it.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
        for (position, requirement) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            match requirement {
                Requirement::In(key, values) if values.len() == 1 => write!(f, "{key}={}", words(values))?,
                Requirement::In(key, values) => write!(f, "{key} in ({})", words(values))?,
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", words(values))?,
                Requirement::Exists(key) => f.write_str(key)?,
                Requirement::DoesNotExist(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

/// Whether any of the selectors matches; an empty list matches everything, as all of MetalLB's do.
#[must_use]
pub fn any_matches(selectors: &[Selector], labels: &Labels) -> bool {
    selectors.is_empty() || selectors.iter().any(|s| s.matches(labels))
}

/// Refuses a value that stands twice in an expression, and an expression that stands there twice.
fn check_repeated(selector: &LabelSelector) -> Result<(), SelectorError> {
    let mut seen = BTreeSet::new();
    for expression in selector.match_expressions.iter().flatten() {
        let values = expression.values.as_deref().unwrap_or_default();
        let set: BTreeSet<&String> = values.iter().collect();
        if set.len() < values.len() {
            let twice = values.iter().enumerate().find(|(i, v)| values[..*i].contains(v));
            let twice = twice.map(|(_, v)| v.as_str()).unwrap_or_default();
            return Err(SelectorError::Duplicate(format!(
                "match expression value in label selector {twice:?}"
            )));
        }
        let text = format!("{:?} {:?} {set:?}", expression.key, expression.operator);
        if !seen.insert((&expression.key, &expression.operator, set)) {
            return Err(SelectorError::Duplicate(format!("match expressions {{{text}}}")));
        }
    }
    Ok(())
}

fn requirement(key: &str, operator: &str, values: &[String]) -> Result<Requirement, SelectorError> {
    let set = || -> BTreeSet<String> { values.iter().cloned().collect() };
    let some =
        |r| if values.is_empty() { Err(SelectorError::MissingValues(operator.to_owned())) } else { Ok(r) };
    let none =
        |r| if values.is_empty() { Ok(r) } else { Err(SelectorError::UnexpectedValues(operator.to_owned())) };
    match operator {
        "In" => some(Requirement::In(key.to_owned(), set())),
        "NotIn" => some(Requirement::NotIn(key.to_owned(), set())),
        "Exists" => none(Requirement::Exists(key.to_owned())),
        "DoesNotExist" => none(Requirement::DoesNotExist(key.to_owned())),
        other => Err(SelectorError::Operator(other.to_owned())),
    }
}

/// A qualified name: `[dns-prefix/]name`, the name 1 to 63 characters (Kubernetes "Labels and Selectors").
fn check_key(key: &str) -> Result<(), SelectorError> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(p, n)| (Some(p), n));
    let name_ok = !name.is_empty() && is_label_text(name);
    let dns = |p: &str| {
        !p.is_empty()
            && p.len() <= 253
            && p.split('.').all(|part| {
                !part.is_empty()
                    && !part.starts_with('-')
                    && !part.ends_with('-')
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            })
    };
    if name_ok && prefix.is_none_or(dns) { Ok(()) } else { Err(SelectorError::Key(key.to_owned())) }
}

fn check_value(value: &str) -> Result<(), SelectorError> {
    if value.is_empty() || is_label_text(value) {
        Ok(())
    } else {
        Err(SelectorError::Value(value.to_owned()))
    }
}

fn is_label_text(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    text.len() <= 63 && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| inner(*b))
}

#[cfg(test)]
mod tests;
