//! `spec.bgp.bfdProfiles`.

use super::error::ContributionError;
use super::sink::Sink;
use crate::frr::contribution::Source;
use crate::problem::{FieldPath, ObjectRef};
use herald_crds::frrk8s::BFDProfile;
use herald_frr::config;
use herald_frr::value::{FrrName, ValueError};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Milliseconds that FRR takes for intervals.
const INTERVALS: RangeInclusive<i32> = 10..=60_000;
const MULTIPLIERS: RangeInclusive<i32> = 2..=255;
const TTLS: RangeInclusive<i32> = 1..=254;

pub(super) fn profiles(
    given: &[BFDProfile],
    object: &ObjectRef,
    sink: &mut Sink<'_>,
) -> BTreeMap<FrrName, config::BfdProfile> {
    let list = FieldPath::of("spec.bgp.bfdProfiles");
    let mut profiles = BTreeMap::new();
    for (index, profile) in given.iter().enumerate() {
        let field = list.index(index);
        let values = values(profile, &field, object, sink);
        let Some(name) = sink.take(&field.key("name"), profile.name.parse::<FrrName>()) else { continue };
        if profiles.insert(name, values).is_some() {
            sink.error(field.key("name"), ContributionError::DuplicateProfile(profile.name.clone()));
        }
    }
    profiles
}

fn values(
    profile: &BFDProfile,
    field: &FieldPath,
    object: &ObjectRef,
    sink: &mut Sink<'_>,
) -> config::BfdProfile {
    let mut interval = |key, value| number(sink, &field.key(key), value, INTERVALS);
    let receive_interval = interval("receiveInterval", profile.receive_interval);
    let transmit_interval = interval("transmitInterval", profile.transmit_interval);
    let echo_interval = interval("echoInterval", profile.echo_interval);
    let detect_multiplier =
        number(sink, &field.key("detectMultiplier"), profile.detect_multiplier, MULTIPLIERS);
    let minimum_ttl = number(sink, &field.key("minimumTtl"), profile.minimum_ttl, TTLS);
    config::BfdProfile {
        receive_interval,
        transmit_interval,
        detect_multiplier,
        echo_interval,
        echo_mode: profile.echo_mode.unwrap_or_default(),
        passive_mode: profile.passive_mode.unwrap_or_default(),
        minimum_ttl,
        origins: [Source::new(object, field.clone()).origin.clone()].into(),
    }
}

fn number<T: TryFrom<i32>>(
    sink: &mut Sink<'_>,
    field: &FieldPath,
    given: Option<i32>,
    range: RangeInclusive<i32>,
) -> Option<T> {
    let given = given?;
    let bound = |n: i32| u64::try_from(n).unwrap_or_default();
    let outside =
        || ValueError::Range { value: bound(given), low: bound(*range.start()), high: bound(*range.end()) };
    let value = Some(given).filter(|v| range.contains(v)).and_then(|v| T::try_from(v).ok());
    sink.take(field, value.ok_or_else(outside))
}
