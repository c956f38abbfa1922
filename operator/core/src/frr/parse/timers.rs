//! `holdTime`, `keepaliveTime`, `connectTime`.

use super::error::{ContributionError as Error, ContributionWarning as Warning};
use super::sink::Sink;
use crate::duration;
use crate::problem::FieldPath;
use herald_crds::frrk8s::Neighbor;
use herald_frr::config::Timers;
use std::time::Duration;

/// Hold and keepalive time: both or none.
pub(super) fn timers(spec: &Neighbor, field: &FieldPath, sink: &mut Sink<'_>) -> Option<Timers> {
    let (hold, keepalive) = match (&spec.hold_time, &spec.keepalive_time) {
        (None, None) => return None,
        (Some(hold), Some(keepalive)) => (hold, keepalive),
        (Some(_), None) => {
            sink.error(field.key("holdTime"), Error::LoneTimer);
            return None;
        }
        (None, Some(_)) => {
            sink.error(field.key("keepaliveTime"), Error::LoneTimer);
            return None;
        }
    };
    let hold_time = sink.take(&field.key("holdTime"), duration::parse(hold));
    let keepalive_time = sink.take(&field.key("keepaliveTime"), duration::parse(keepalive));
    let (hold_time, keepalive_time) = (hold_time?, keepalive_time?);
    if keepalive_time > hold_time {
        let why = Error::Keepalive { keepalive: keepalive.clone(), hold: hold.clone() };
        sink.error(field.key("keepaliveTime"), why);
        return None;
    }
    if matches!(hold_time.as_secs(), 1 | 2) {
        sink.error(field.key("holdTime"), Error::HoldTime(hold_time.as_secs()));
        return None;
    }
    let hold = sink.take(&field.key("holdTime"), whole(hold_time))?;
    let keepalive = sink.take(&field.key("keepaliveTime"), whole(keepalive_time))?;
    if keepalive > hold / 3 {
        sink.warn(field.key("keepaliveTime"), &Warning::KeepaliveLowered { keepalive, hold });
    }
    Some(Timers { keepalive, hold })
}

/// Connect time, 1 to 65535 whole seconds.
pub(super) fn connect(spec: &Neighbor, field: &FieldPath, sink: &mut Sink<'_>) -> Option<u16> {
    let field = field.key("connectTime");
    let seconds = sink.take(&field, duration::parse_seconds(spec.connect_time.as_ref()?))?;
    let seconds = u16::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    sink.take(&field, seconds.ok_or(Error::ConnectTime))
}

/// Whole seconds: a fraction does not count, as upstream has it.
fn whole(time: Duration) -> Result<u16, Error> {
    u16::try_from(time.as_secs()).map_err(|_| Error::TooLong(time.as_secs()))
}
