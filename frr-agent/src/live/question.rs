//! What FRR is asked, and its answers as types.

use crate::vty::{BFDD, BGPD};
use herald_frr::diff::Session;
use herald_frr::show::{self, BfdSession, LastReset, Route, SessionSummary, ShowError};
use herald_frr::value::{Family, InterfaceName};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// One `show` command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Every session in a few words.
    Summary,
    /// BFD sessions.
    Bfd,
    /// Why a session ended.
    Ended(Session),
    /// One prefix.
    Route(Option<InterfaceName>, IpNet),
    /// All that a session was sent of a family.
    Sent(Session, Family),
}

/// What FRR answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Question::Summary`].
    Summary(BTreeMap<Session, SessionSummary>),
    /// To [`Question::Bfd`].
    Bfd(Vec<BfdSession>),
    /// To [`Question::Ended`].
    Ended(Session, Option<LastReset>),
    /// To [`Question::Route`]; `None` if it is not in the table.
    Route(Option<InterfaceName>, IpNet, Option<Route>),
    /// To [`Question::Sent`].
    Sent(Session, Family, BTreeSet<IpNet>),
    /// FRR has no answer to this one: the session or the daemon is not there.
    Nothing,
}

impl Question {
    /// Who is asked.
    pub const fn daemon(&self) -> &'static str {
        match self {
            Self::Bfd => BFDD,
            Self::Summary | Self::Ended(_) | Self::Route(..) | Self::Sent(..) => BGPD,
        }
    }

    /// The command.
    pub fn command(&self) -> String {
        match self {
            Self::Summary => show::SUMMARY.to_owned(),
            Self::Bfd => show::BFD.to_owned(),
            Self::Ended(session) => show::neighbor_command(session),
            Self::Route(vrf, prefix) => show::route_command(vrf.as_ref(), *prefix),
            Self::Sent(session, family) => show::advertised_command(session, *family),
        }
    }

    /// Reads the answer.
    pub fn read(self, answer: &str) -> Result<Answer, ShowError> {
        let read = match self {
            Self::Summary => show::summary(answer).map(Answer::Summary),
            Self::Bfd => show::bfd(answer).map(Answer::Bfd),
            Self::Ended(session) => {
                let vrf = session.vrf.as_ref().map_or("default", InterfaceName::as_str);
                let reset = |mut all: BTreeMap<Session, show::Neighbor>| all.remove(&session)?.last_reset;
                show::neighbors_of(vrf, answer).map(reset).map(|reset| Answer::Ended(session, reset))
            }
            Self::Route(vrf, prefix) => show::route(answer).map(|route| Answer::Route(vrf, prefix, route)),
            Self::Sent(session, family) => {
                show::advertised(answer).map(|sent| Answer::Sent(session, family, sent))
            }
        };
        match read {
            Err(ShowError::Warned(_)) => Ok(Answer::Nothing),
            read => read,
        }
    }
}
