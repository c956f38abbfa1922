//! Names for communities: `Community`. All aliases share one name space.

use super::kind::{Context, Named, Parsed, Resolved, Sink};
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::snapshot::Custom;
use herald_crds::metallb::CommunitySpec;
use herald_frr::value::Community;
use std::collections::BTreeMap;

/// Why a community is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommunityError {
    /// Neither two nor four sections.
    #[error("invalid community format: {0}")]
    Format(String),
    /// A section that is no number, or too large a one.
    #[error("invalid community value: invalid section {section:?} of community {text:?}: need a {form}")]
    Section {
        /// The section.
        section: String,
        /// The whole.
        text: String,
        /// What it should be.
        form: &'static str,
    },
    /// Four sections that do not start with `large`.
    #[error("invalid community {0:?}: expected community to be of format large:<uint32>:<uint32>:<uint32>")]
    Large(String),
    /// An alias without a name or without a value.
    #[error("must have both a name and a value")]
    Incomplete,
    /// An alias of two meanings, or twice the same.
    #[error("duplicate definition of community {name:?}{whose}")]
    Duplicate {
        /// The alias.
        name: String,
        /// In words: where the first one stands, if in another object.
        whose: String,
    },
}

impl Reason for CommunityError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Format(_) | Self::Section { .. } | Self::Large(_) | Self::Incomplete => "InvalidCommunity",
            Self::Duplicate { .. } => "DuplicateCommunity",
        }
    }
}

/// The aliases that one object defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aliases {
    object: ObjectRef,
    /// Values by alias, with the index in `spec.communities`.
    pub values: BTreeMap<String, (usize, Community)>,
}

impl Named for Aliases {
    fn object(&self) -> &ObjectRef {
        &self.object
    }
}

/// Reads a community as it is written in an advertisement or an alias.
pub(crate) fn parse_value(text: &str) -> Result<Community, CommunityError> {
    let parts: Vec<&str> = text.split(':').collect();
    let (sections, form) = match parts[..] {
        [_, _] => (&parts[..], "number from 0 to 65535"),
        ["large", ..] if parts.len() == 4 => (&parts[1..], "number from 0 to 4294967295"),
        [_, _, _, _] => return Err(CommunityError::Large(text.to_owned())),
        _ => return Err(CommunityError::Format(text.to_owned())),
    };
    let limit = if sections.len() == 2 { u32::from(u16::MAX) } else { u32::MAX };
    let is_number =
        |s: &&&str| s.bytes().all(|b| b.is_ascii_digit()) && s.parse::<u32>().is_ok_and(|n| n <= limit);
    let bad = sections.iter().find(|s| !is_number(s));
    let section = |s: &str| CommunityError::Section { section: s.to_owned(), text: text.to_owned(), form };
    if let Some(bad) = bad {
        return Err(section(bad));
    }
    text.parse().map_err(|_| CommunityError::Format(text.to_owned()))
}

/// Parses the aliases of one object.
pub(crate) fn parse(
    custom: &Custom<CommunitySpec>,
    _context: &Context<'_>,
) -> Result<Parsed<Aliases>, Vec<Problem>> {
    let mut sink = Sink::new(&custom.meta.object);
    let path = FieldPath::of("spec.communities");
    let mut values = BTreeMap::new();
    for (index, alias) in custom.spec.communities.iter().enumerate() {
        let (Some(name), Some(value)) = (&alias.name, &alias.value) else {
            sink.error(path.index(index), &CommunityError::Incomplete);
            continue;
        };
        let value = sink.take(&path.index(index).key("value"), parse_value(value));
        let Some(value) = value else { continue };
        if values.insert(name.clone(), (index, value)).is_some() {
            let why = CommunityError::Duplicate { name: name.clone(), whose: String::new() };
            sink.error(path.index(index).key("name"), &why);
        }
    }
    sink.finish(Some(Aliases { object: custom.meta.object.clone(), values }), Resolved::new())
}

/// Objects that define the same alias.
pub(crate) fn conflict(winner: &Aliases, loser: &Aliases) -> Option<Problem> {
    let (name, (index, _)) = loser.values.iter().find(|(name, _)| winner.values.contains_key(*name))?;
    let why =
        CommunityError::Duplicate { name: name.clone(), whose: format!(" ({} defines it)", winner.object) };
    Some(Problem::error(&loser.object, FieldPath::of("spec.communities").index(*index).key("name"), &why))
}
