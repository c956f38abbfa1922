//! Annotations that move a guard rail, on BGPPeers and FRRConfigurations.

use super::GuardError;
use crate::problem::FieldPath;
use crate::snapshot::Meta;

/// On an FRRConfiguration: `"true"` announces default routes among its prefixes without a warning, `"false"` leaves them out.
pub const ALLOW_DEFAULT_ROUTE: &str = "herald.metallb.io/allow-default-route";
/// On a BGPPeer or FRRConfiguration: prefixes of a family that each of its neighbors is sent at most.
pub const MAX_PREFIXES: &str = "herald.metallb.io/max-prefixes";

/// Where an annotation stands.
pub(crate) fn annotation(key: &str) -> FieldPath {
    FieldPath::of("metadata.annotations").key(key)
}

/// Whether the object allows default routes; `None` where it does not say.
pub(crate) fn allows_default_route(meta: &Meta) -> Result<Option<bool>, GuardError> {
    read(meta, ALLOW_DEFAULT_ROUTE, "\"true\" or \"false\"", |text| text.parse().ok())
}

/// How many prefixes the object's neighbors are sent at most; `None` where it does not say.
pub(crate) fn max_prefixes(meta: &Meta) -> Result<Option<u32>, GuardError> {
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    read(meta, MAX_PREFIXES, "a number from 1 to 4294967295", number)
}

/// What an annotation says; `None` where it is not there.
pub(crate) fn read<T>(
    meta: &Meta,
    key: &str,
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, GuardError> {
    let Some(given) = meta.annotations.get(key) else { return Ok(None) };
    let parsed = parse(given);
    if parsed.is_none() {
        Err(GuardError::Annotation { given: given.to_owned(), wanted })
    } else {
        Ok(parsed)
    }
}
