//! Problems: what is wrong with an object, where, and why. Values, never control flow.

use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// How a problem counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The object, or the named part of it, is not applied.
    Error,
    /// It is applied, but probably not what was meant.
    Warning,
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ObjectRef {
    /// The kind as written in manifests: `BGPPeer`.
    pub kind: &'static str,
    /// The namespace; empty for objects of the cluster and where a manifest names none.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// One step of a field path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A key of a mapping.
    Key(Arc<str>),
    /// An index of a list, from 0.
    Index(usize),
}

/// A field of an object, as `kubectl explain` and the API server write it: `spec.peers[2]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// A path from keys separated by dots: `FieldPath::of("spec.bgp.routers")`. Empty is the object.
    #[must_use]
    pub fn of(dotted: &str) -> Self {
        Self(dotted.split('.').filter(|k| !k.is_empty()).map(|k| Step::Key(k.into())).collect())
    }

    /// This path and a key below it.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.and(Step::Key(key.into()))
    }

    /// This path and an index below it.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.and(Step::Index(index))
    }

    fn and(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                // Text of a stranger must not move a terminal's cursor or start a line of its own.
                Step::Key(key) if key.contains(char::is_control) => write!(f, "[{key:?}]")?,
                // As the API server writes keys that hold dots or slashes.
                Step::Key(key) if key.contains(['.', '/']) => write!(f, "[{key}]")?,
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for FieldPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where in the input, for people: file, and line and column from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// The file as it was named, `-` for standard input.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// An error with a stable name.
///
/// The name is PascalCase and is used unchanged as condition reason, Event reason, metric label and in
/// `herald validate --format json`. It never changes once released.
pub trait Reason: std::error::Error {
    /// The stable name.
    fn reason(&self) -> &'static str;
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The object; `None` where a document could not be read as one.
    pub object: Option<ObjectRef>,
    /// The field; empty for the object as a whole.
    pub field: FieldPath,
    /// Stable PascalCase name.
    pub reason: &'static str,
    /// One sentence in lower case, without the object and field.
    pub message: String,
    /// Nodes on which it holds; empty means wherever the object counts.
    pub nodes: Vec<Arc<str>>,
    /// Where it stands in the input, once that was looked up.
    pub location: Option<Location>,
}

/// One line: object, field, message, reason, nodes. Severity and location are said by whoever prints it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.object {
            let field = self.field.to_string();
            let gap = if field.is_empty() { "" } else { " " };
            write!(f, "{object}{gap}{field}: ")?;
        }
        write!(f, "{} [{}]", self.message.replace('\n', " "), self.reason)?;
        if !self.nodes.is_empty() {
            write!(f, " (on {})", self.nodes.join(", "))?;
        }
        Ok(())
    }
}

impl Problem {
    /// An error: the object is not applied.
    #[must_use]
    pub fn error(object: &ObjectRef, field: FieldPath, why: &impl Reason) -> Self {
        Self::new(Severity::Error, object, field, why)
    }

    /// A warning: the object is applied.
    #[must_use]
    pub fn warning(object: &ObjectRef, field: FieldPath, why: &impl Reason) -> Self {
        Self::new(Severity::Warning, object, field, why)
    }

    fn new(severity: Severity, object: &ObjectRef, field: FieldPath, why: &impl Reason) -> Self {
        Self {
            severity,
            object: Some(object.clone()),
            field,
            reason: why.reason(),
            message: why.to_string(),
            nodes: Vec::new(),
            location: None,
        }
    }

    /// The same problem, said of one node.
    #[must_use]
    pub fn on_node(mut self, node: &str) -> Self {
        self.nodes.push(node.into());
        self
    }
}
