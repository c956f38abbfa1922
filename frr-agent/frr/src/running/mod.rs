//! What FRR runs: the text of `show running-config`, read into the model.
//!
//! Tolerant over FRR 8.4 to 10.x: a line that the model cannot say is kept as it stands, with the
//! block that it stands in. Nothing is an error, nothing is lost.

mod reader;
mod shared;
#[cfg(test)]
mod tests;

use crate::config::FrrConfig;
use crate::statement::{Context, Statements, fit, raise};
use reader::Reader;
pub(crate) use shared::Policies;
pub use shared::{as_bgpd_has_it, read};

/// A line that the model cannot say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Foreign {
    /// The lines that open the blocks around it, outermost first.
    pub within: Vec<String>,
    /// The line, without indentation.
    pub text: String,
    /// The innermost block around it that the model knows.
    pub(crate) context: Context,
    /// How many of `within` are blocks that the model does not know.
    pub(crate) depth: usize,
}

/// What FRR runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Running {
    /// What of it the model can say; without origins. A session that FRR has only in part is left out.
    pub config: FrrConfig,
    /// Lines outside the model, in FRR's order.
    pub foreign: Vec<Foreign>,
    /// `frr version`, major and minor.
    pub version: Option<(u16, u16)>,
    /// All that the model knows, in the form in which FRR keeps it.
    pub(crate) statements: Statements<'static>,
    /// Policies that other daemons have under names that bgpd does not know: somebody was cut short. They do nothing; those
    /// that are ours and not wanted are to go all the same.
    pub(crate) elsewhere: Statements<'static>,
}

impl Running {
    /// Seconds of `bgp route-map delay-timer`; `None` is FRR's own, 5. FRR holds new sessions for as long as it runs.
    #[must_use]
    pub fn map_delay(&self) -> Option<u16> {
        map_delay(&self.foreign)
    }
}

/// The last `bgp route-map delay-timer` of these lines, in seconds.
pub(crate) fn map_delay<'f>(lines: impl IntoIterator<Item = &'f Foreign>) -> Option<u16> {
    let timers = lines.into_iter().filter(|line| line.context == Context::Top && line.depth == 0);
    timers.filter_map(|line| line.text.strip_prefix(DELAY_TIMER)?.trim_start().parse().ok()).last()
}

/// The line that sets it.
pub(crate) fn delay_timer(seconds: u16) -> String {
    format!("{DELAY_TIMER} {seconds}")
}

/// How long FRR gathers changes of route-maps.
pub(crate) const DELAY_TIMER: &str = "bgp route-map delay-timer";

/// Reads what `show running-config` or `write terminal` prints, or an `frr.conf`.
#[must_use]
pub fn parse(text: &str) -> Running {
    let (mut statements, foreign, version) = Reader::default().read(text);
    let config = raise::raise(&statements);
    fit(&mut statements);
    Running { config, foreign, version, statements, elsewhere: Statements::default() }
}
