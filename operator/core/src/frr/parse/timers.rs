//! `holdTime`, `keepaliveTime`, `connectTime`.

use super::duration::{self, SECOND};
use super::error::ContributionError as Error;
use super::sink::Sink;
use crate::problem::FieldPath;
use herald_crds::frrk8s::Neighbor;
use herald_frr::config::Timers;

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
    let hold_time = sink.take(&field.key("holdTime"), parse(hold));
    let keepalive_time = sink.take(&field.key("keepaliveTime"), parse(keepalive));
    let (hold_time, keepalive_time) = (hold_time?, keepalive_time?);
    if keepalive_time > hold_time {
        let why = Error::Keepalive { keepalive: keepalive.clone(), hold: hold.clone() };
        sink.error(field.key("keepaliveTime"), why);
        return None;
    }
    let seconds = hold_time / SECOND;
    if seconds < 0 || matches!(seconds, 1 | 2) {
        sink.error(field.key("holdTime"), Error::HoldTime(seconds));
        return None;
    }
    Some(Timers {
        hold: sink.take(&field.key("holdTime"), whole(hold_time))?,
        keepalive: sink.take(&field.key("keepaliveTime"), whole(keepalive_time))?,
    })
}

/// Connect time, 1 to 65535 whole seconds.
pub(super) fn connect(spec: &Neighbor, field: &FieldPath, sink: &mut Sink<'_>) -> Option<u16> {
    let field = field.key("connectTime");
    let time = sink.take(&field, parse(spec.connect_time.as_ref()?))?;
    if time % SECOND != 0 {
        sink.error(field.clone(), Error::ConnectFraction);
    }
    let seconds = u16::try_from(time / SECOND).ok().filter(|s| *s > 0);
    sink.take(&field, seconds.ok_or(Error::ConnectTime))
}

fn parse(text: &str) -> Result<i64, Error> {
    duration::parse(text).ok_or_else(|| Error::Duration(text.to_owned()))
}

fn whole(time: i64) -> Result<u16, Error> {
    let seconds = time / SECOND;
    match u16::try_from(seconds) {
        Ok(seconds) => Ok(seconds),
        Err(_) if seconds < 0 => Err(Error::HoldTime(seconds)),
        Err(_) => Err(Error::TooLong(seconds)),
    }
}
