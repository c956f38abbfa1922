//! `toReceive`.

use super::error::{ContributionError as Error, ContributionWarning as Warning};
use super::router::prefix;
use super::sink::Sink;
use crate::frr::contribution::{Filter, Incoming};
use crate::problem::FieldPath;
use herald_crds::frrk8s::{AllowMode, PrefixSelector, Receive};
use herald_frr::value::ValueError;
use ipnet::IpNet;
use std::collections::BTreeSet;

/// Longest prefix length that the schema allows.
const LENGTHS: u8 = 128;

pub(super) fn incoming(spec: &Receive, field: &FieldPath, sink: &mut Sink<'_>) -> Incoming {
    let Some(allowed) = &spec.allowed else { return Incoming::default() };
    let all = allowed.mode == Some(AllowMode::All);
    if all && !allowed.prefixes.is_empty() {
        sink.warn(field.key("allowed").key("prefixes"), &Warning::PrefixesWithModeAll);
    }
    let mut filters = BTreeSet::new();
    for (at, selector) in allowed.prefixes.iter().enumerate() {
        let field = field.key("allowed").key("prefixes").index(at);
        filters.extend(filter(selector, all, &field, sink));
    }
    if all { Incoming::All } else { Incoming::Only(filters) }
}

/// With `mode: all` nothing is filtered, so only what the schema says is held against a selector.
fn filter(selector: &PrefixSelector, all: bool, field: &FieldPath, sink: &mut Sink<'_>) -> Option<Filter> {
    let ge = length(selector.ge.map(i64::from), &field.key("ge"), sink);
    let le = length(selector.le.map(i64::from), &field.key("le"), sink);
    let text = selector.prefix.as_deref().unwrap_or_default();
    let net = sink.take(&field.key("prefix"), prefix(text))?;
    if !all {
        sink.take(field, lengths(&net, ge, le))?;
    }
    Some(Filter { net, ge, le })
}

fn length(given: Option<i64>, field: &FieldPath, sink: &mut Sink<'_>) -> Option<u8> {
    let given = given?;
    let outside = || ValueError::Range {
        value: u64::try_from(given).unwrap_or_default(),
        low: 1,
        high: LENGTHS.into(),
    };
    let length = u8::try_from(given).ok().filter(|l| (1..=LENGTHS).contains(l));
    sink.take(field, length.ok_or_else(outside))
}

/// Mask <= ge <= le <= what the family has: FRR takes nothing else.
fn lengths(net: &IpNet, ge: Option<u8>, le: Option<u8>) -> Result<(), Error> {
    let bounds = [
        ("cidr mask", Some(net.prefix_len())),
        ("ge", ge),
        ("le", le),
        ("the family's", Some(net.max_prefix_len())),
    ];
    let given: Vec<(&'static str, u8)> = bounds.into_iter().filter_map(|(w, l)| Some((w, l?))).collect();
    for pair in given.windows(2) {
        if let [(what, length), (bound_what, bound)] = *pair
            && length > bound
        {
            return Err(Error::Lengths { what, length, bound_what, bound });
        }
    }
    Ok(())
}
