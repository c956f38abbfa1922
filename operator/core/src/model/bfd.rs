//! BFD profiles: `BFDProfile`.

use super::kind::{Context, Named, Parsed, Resolved, Sink};
use crate::problem::{FieldPath, ObjectRef, Problem, Reason};
use crate::snapshot::Custom;
use herald_crds::metallb::BFDProfileSpec;
use herald_frr::config;
use herald_frr::value::{FrrName, ValueError};
use std::ops::RangeInclusive;

/// Why a BFD profile is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BfdError {
    /// A value that FRR does not take (FRR manual, "BFD", Peer Configurations).
    #[error("invalid value {value}, must be in {low}-{high} range")]
    Range {
        /// What was given.
        value: i64,
        /// Smallest value taken.
        low: u16,
        /// Largest value taken.
        high: u16,
    },
    /// A name that FRR does not take for a profile.
    #[error("FRR takes no profile of that name: it {0}")]
    Name(ValueError),
}

impl Reason for BfdError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Range { .. } => "BFDValueOutOfRange",
            Self::Name(_) => "InvalidName",
        }
    }
}

/// A `BFDProfile` of `metallb.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BfdProfile {
    /// The object.
    pub object: ObjectRef,
    /// What FRR is told.
    pub profile: config::BfdProfile,
}

impl Named for BfdProfile {
    fn object(&self) -> &ObjectRef {
        &self.object
    }
}

/// Parses one profile.
pub(crate) fn parse(
    custom: &Custom<BFDProfileSpec>,
    _context: &Context<'_>,
) -> Result<Parsed<BfdProfile>, Vec<Problem>> {
    const INTERVAL: RangeInclusive<u16> = 10..=60_000;
    let Custom { meta, spec } = custom;
    let mut sink = Sink::new(&meta.object);
    let name = meta.object.name.parse::<FrrName>().map_err(BfdError::Name);
    sink.take(&FieldPath::of("metadata.name"), name);
    let mut number = |field: &str, value: Option<i64>, range: RangeInclusive<u16>| {
        let value = value?;
        let (low, high) = (*range.start(), *range.end());
        let checked = u16::try_from(value).ok().filter(|v| range.contains(v));
        sink.take(&FieldPath::of("spec").key(field), checked.ok_or(BfdError::Range { value, low, high }))
    };
    let wide = |value: Option<i32>| value.map(i64::from);
    let octet = |value: u16| u8::try_from(value).ok();
    let profile = config::BfdProfile {
        receive_interval: number("receiveInterval", wide(spec.receive_interval), INTERVAL),
        transmit_interval: number("transmitInterval", wide(spec.transmit_interval), INTERVAL),
        detect_multiplier: number("detectMultiplier", wide(spec.detect_multiplier), 2..=255).and_then(octet),
        echo_interval: number("echoInterval", wide(spec.echo_interval), INTERVAL),
        echo_mode: spec.echo_mode.unwrap_or_default(),
        passive_mode: spec.passive_mode.unwrap_or_default(),
        minimum_ttl: number("minimumTtl", wide(spec.minimum_ttl), 1..=254).and_then(octet),
        origins: [config::Origin(meta.object.to_string().into())].into(),
    };
    sink.finish(Some(BfdProfile { object: meta.object.clone(), profile }), Resolved::new())
}
