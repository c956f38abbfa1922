//! Steps of a plan, and the order of their phases.

use super::{Effect, PrefixChange};
use crate::config::Origins;
use crate::statement::{Context, Key, Value, text};

/// When a step is taken. The order is what makes a plan safe; see the module above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Hand-written lines that are no longer wanted.
    RawGone,
    /// Families and imports that go.
    Unimport,
    /// Sessions and prefixes that go.
    Withdraw,
    /// Routers that go; nothing imports them any more.
    Routers,
    /// Prefixes that go and hid one of an import that is gone by now.
    Revealed,
    /// Prefix-lists, BFD profiles, VRFs: what others name.
    Define,
    /// Route-maps that nothing uses yet, and classes.
    Classes,
    /// Route-maps in use, as far as no prefix is about to leave the class that they match.
    Maps,
    /// Routers and sessions.
    Sessions,
    /// Prefixes, each with its class.
    Networks,
    /// Classes that prefixes have, in their new form.
    Redefine,
    /// Prefixes of those classes.
    Moves,
    /// Prefixes that go and that an import brings too: what it brings is in its new form by now.
    Uncover,
    /// Route-map entries that had to wait until the prefixes have moved.
    Late,
    /// Route-maps of sessions.
    Bind,
    /// Imports and EVPN.
    Import,
    /// Sessions per family.
    Activate,
    /// Route-maps that a session no longer uses.
    Unbind,
    /// Definitions that nothing uses any more.
    Cleanup,
    /// Hand-written lines.
    Raw,
    /// What ends FRR's hold of new sessions.
    Quick,
}

/// One line inside a block, or the block itself.
#[derive(Debug, Clone)]
pub struct Op {
    pub phase: Phase,
    pub context: Context,
    /// What the first line of the block says beside its name.
    pub head: String,
    /// The line; `None` is the first line of the block alone, as for a changed action.
    pub line: Option<String>,
    pub origins: Origins,
    pub effect: Effect,
}

#[derive(Debug, Default)]
pub struct Ops {
    ops: Vec<Op>,
    /// What the steps that are about prefixes bring.
    pub prefixes: Vec<PrefixChange>,
}

impl Ops {
    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// A line outside any block.
    pub fn top(&mut self, phase: Phase, line: String, origins: Origins, effect: Effect) {
        let head = String::new();
        self.push(Op { phase, context: Context::Top, head, line: Some(line), origins, effect });
    }

    /// True if a hand-written text is among the steps.
    pub fn gives(&self, text: &str) -> bool {
        self.ops.iter().any(|op| op.phase == Phase::Raw && op.line.as_deref() == Some(text))
    }

    /// True if a hand-written line is taken back.
    pub fn takes_back(&self, line: &str) -> bool {
        let undone = |text: &str| text.strip_prefix("no ") == Some(line);
        self.ops.iter().any(|op| op.phase == Phase::RawGone && op.line.as_deref().is_some_and(undone))
    }

    /// True if every step is about a prefix.
    pub fn are_prefixes(&self) -> bool {
        self.ops.len() == self.prefixes.len()
    }

    /// Steps in the order of their phases; inside a phase in the order in which they were added.
    pub fn sorted(mut self) -> Vec<Op> {
        self.ops.sort_by_key(|op| op.phase);
        self.ops
    }
}

/// What one key of a block needs: the old value, the new one, or both.
#[derive(Debug, Clone)]
pub struct Change<'s> {
    pub key: &'s Key,
    pub have: Option<&'s Value<'s>>,
    pub want: Option<&'s Value<'s>>,
}

impl Change<'_> {
    /// The line that makes the change.
    pub fn line(&self) -> String {
        match (self.want, self.have) {
            (Some(value), _) => text::set(self.key, &value.text),
            (None, have) => text::undo(self.key, have.map(Value::as_str).unwrap_or_default()),
        }
    }

    /// Where the new value comes from; where there is none, or nobody knows, the old one.
    pub fn origins(&self) -> Origins {
        let of = |value: Option<&Value<'_>>| {
            value.and_then(|value| value.origins).filter(|origins| !origins.is_empty()).cloned()
        };
        of(self.want).or_else(|| of(self.have)).unwrap_or_default()
    }
}
