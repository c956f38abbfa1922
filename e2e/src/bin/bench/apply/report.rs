//! The table, and the figures of `target/bench/apply.json`.

use super::ways::Cost;
use super::{AtSize, Case, Limit, Measured, Other};
use crate::measure::{Figure, median};
use std::time::Duration;

/// What the issue asks for at [`LARGEST`] prefixes.
const LARGEST: u32 = 10_000;
const OVER_BARE: f64 = 30.0;
const AGENT_CPU: f64 = 5.0;
const MEMORY: f64 = 30.0;

/// Prints the table and returns the figures.
pub fn print(measured: &Measured) -> Vec<Figure> {
    let bare = &measured.bare;
    let mut figures = Vec::new();
    for (name, costs) in [
        ("bare network line, vtysh -c", &bare.added_c),
        ("bare network line, vtysh -f", &bare.added_f),
        ("bare no network line, vtysh -c", &bare.withdrawn_c),
        ("bare no network line, vtysh -f", &bare.withdrawn_f),
    ] {
        figures.push(Figure::new(name, "time", visible(costs), "ms", None));
    }
    for figure in &figures {
        println!("{}", figure.line());
    }
    let over = Over {
        added: visible(&bare.added_c).min(visible(&bare.added_f)) + OVER_BARE,
        withdrawn: visible(&bare.withdrawn_c).min(visible(&bare.withdrawn_f)) + OVER_BARE,
    };
    println!(
        "\nms until every neighbour's table is exactly right; CPU in ms per change; by frr-reload.py: right after / whole run\n\
         {:>6} {:<32} {:>8} {:>8} {:>6} {:>7} {:>7} {:>7} {:>17} {:>17}",
        "at",
        "change",
        "agent",
        "limit",
        "lines",
        "agent",
        "vtysh",
        "FRR",
        "frr-reload.py",
        "as frr-k8s does"
    );
    for at in &measured.sizes {
        for case in &at.cases {
            row(at.size, case, &over);
            figures.extend(case_figures(at.size, case, &over));
        }
        figures.extend(one_prefix(at));
        figures.extend(memory(at));
    }
    let missed: Vec<&Figure> =
        figures.iter().filter(|f| f.metric != "against frr-reload.py" && f.ratio > Some(1.0)).collect();
    println!(
        "\n{} of {} limits missed",
        missed.len(),
        figures.iter().filter(|f| f.against.is_some()).count()
    );
    for figure in missed {
        println!("{}", figure.line());
    }
    figures
}

/// The limits of a change of one prefix.
struct Over {
    added: f64,
    withdrawn: f64,
}

impl Over {
    fn limit(&self, size: u32, limit: Limit) -> Option<f64> {
        if size < LARGEST {
            return None;
        }
        match limit {
            Limit::OverBareAdded => Some(self.added),
            Limit::OverBareWithdrawn => Some(self.withdrawn),
            Limit::Milliseconds(limit) => Some(limit.into()),
            Limit::None => None,
        }
    }
}

fn row(size: u32, case: &Case, over: &Over) {
    let limit = over.limit(size, case.limit).map(|limit| format!("{limit:.0}")).unwrap_or_default();
    println!(
        "{size:>6} {:<32} {:>8.0} {limit:>8} {:>6.0} {:>7.1} {:>7.1} {:>7.1} {:>17} {:>17}",
        case.name,
        visible(&case.agent),
        lines(&case.agent),
        mean(&case.agent, |cost| cost.agent),
        mean(&case.agent, |cost| cost.vtysh),
        mean(&case.agent, |cost| cost.frr),
        other(&case.reload),
        other(&case.listed),
    );
    for skipped in [case.reload.skipped, case.listed.skipped].into_iter().flatten() {
        println!("{:>6} {:<32} {skipped}", "", "");
    }
}

fn case_figures(size: u32, case: &Case, over: &Over) -> Vec<Figure> {
    let name = format!("{size}: {}", case.name);
    let time = visible(&case.agent);
    let one = matches!(case.limit, Limit::OverBareAdded | Limit::OverBareWithdrawn);
    let cpu_limit = (one && size >= LARGEST).then_some(AGENT_CPU);
    let mut figures = vec![
        Figure::new(&name, "time", time, "ms", over.limit(size, case.limit)),
        Figure::new(&name, "lines", lines(&case.agent), "", None),
        Figure::new(&name, "agent CPU", mean(&case.agent, |cost| cost.agent), "ms", cpu_limit),
        Figure::new(&name, "vtysh CPU", mean(&case.agent, |cost| cost.vtysh), "ms", None),
        Figure::new(&name, "FRR CPU", mean(&case.agent, |cost| cost.frr), "ms", None),
    ];
    if !case.reload.costs.is_empty() {
        figures.push(Figure::new(
            &name,
            "against frr-reload.py",
            time,
            "ms",
            Some(visible(&case.reload.costs)),
        ));
    }
    for (metric, other) in [("frr-reload.py", &case.reload), ("as frr-k8s does", &case.listed)] {
        if !other.costs.is_empty() {
            figures.push(Figure::new(&name, metric, visible(&other.costs), "ms", None));
            figures.push(Figure::new(
                &name,
                &format!("{metric}, whole run"),
                whole(&other.costs),
                "ms",
                None,
            ));
            figures.push(Figure::new(
                &name,
                &format!("{metric}, FRR CPU"),
                mean(&other.costs, |c| c.frr),
                "ms",
                None,
            ));
        }
    }
    figures
}

/// All changes of one prefix together: a single one is too short for the kernel's clocks of children.
fn one_prefix(at: &AtSize) -> Vec<Figure> {
    let is_one = |case: &&Case| matches!(case.limit, Limit::OverBareAdded | Limit::OverBareWithdrawn);
    let costs: Vec<Cost> =
        at.cases.iter().filter(is_one).flat_map(|case| case.agent.iter().copied()).collect();
    let limit = (at.size >= LARGEST).then_some(AGENT_CPU);
    let name = format!("{}: one prefix, mean of {}", at.size, costs.len());
    let figures = vec![
        Figure::new(&name, "agent CPU", mean(&costs, |cost| cost.agent), "ms", limit),
        Figure::new(&name, "vtysh CPU", mean(&costs, |cost| cost.vtysh), "ms", None),
    ];
    for figure in &figures {
        println!("{}", figure.line());
    }
    figures
}

fn memory(at: &AtSize) -> Vec<Figure> {
    let limit = (at.size >= LARGEST).then_some(MEMORY);
    let figures: Vec<Figure> = [("after the cold load", at.memory.0), ("at the end", at.memory.1)]
        .into_iter()
        .map(|(when, value)| Figure::new(&format!("{}: agent {when}", at.size), "memory", value, "MB", limit))
        .collect();
    for figure in &figures {
        println!("{}", figure.line());
    }
    figures
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn visible(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| milliseconds(cost.visible)).collect())
}

fn whole(costs: &[Cost]) -> f64 {
    median(costs.iter().filter_map(|cost| cost.whole).map(milliseconds).collect())
}

/// The mean: the kernel counts CPU in steps of 10 ms.
fn mean(costs: &[Cost], part: impl Fn(&Cost) -> Duration) -> f64 {
    let count = u32::try_from(costs.len()).unwrap_or(u32::MAX).max(1);
    milliseconds(costs.iter().map(part).sum::<Duration>()) / f64::from(count)
}

fn lines(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| f64::from(u32::try_from(cost.lines).unwrap_or(u32::MAX))).collect())
}

fn other(other: &Other) -> String {
    if other.costs.is_empty() {
        return "-".to_owned();
    }
    format!("{:.0} / {:.0}", visible(&other.costs), whole(&other.costs))
}
