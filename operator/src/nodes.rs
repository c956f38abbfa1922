//! Which nodes a command is about, and their work spread over the machine's processors.

use crate::exit::Error;
use crate::input::Evaluated;
use herald_core::plan::OnNode;
use herald_core::snapshot::Node;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The node of a name.
pub fn named(nodes: &BTreeMap<Arc<str>, Node>, name: &str) -> Result<Node, Error> {
    nodes.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = nodes.keys().map(AsRef::as_ref).collect();
        Error::Usage(format!("no Node {name} in the input; it holds {}", known.join(", ")))
    })
}

/// The nodes of the input, or the one that is named. There must be one.
pub fn known(nodes: &BTreeMap<Arc<str>, Node>, name: Option<&str>) -> Result<Vec<Node>, Error> {
    match name {
        Some(name) => Ok(vec![named(nodes, name)?]),
        None if nodes.is_empty() => Err(Error::Usage(
            "the input holds no Node: give --nodes FILE (kubectl get nodes -o yaml), or --node NAME"
                .to_owned(),
        )),
        None => Ok(nodes.values().cloned().collect()),
    }
}

/// Plans and configures each node, and hands the result to `work`, on all processors.
///
/// The results are in the order of the nodes. No more configurations than processors exist at a time.
pub fn each<T: Send>(
    evaluated: &Evaluated,
    nodes: &[Node],
    work: impl Fn(&Node, OnNode) -> T + Sync,
) -> Vec<T> {
    let Evaluated { evaluation, options, .. } = evaluated;
    let planner = evaluation.planner(options);
    spread(nodes, |node| work(node, evaluation.on_node(&planner, node, &options.frr)))
}

/// Does something for each node on all processors; the results are in the order of the nodes.
pub fn spread<T: Send>(nodes: &[Node], work: impl Fn(&Node) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let drain = || {
        let mut done = Vec::new();
        while let Some((position, node)) = take(nodes, &next) {
            done.push((position, work(node)));
        }
        done
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(nodes.len());
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(drain)).collect();
        let mut done = drain();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take<'n>(nodes: &'n [Node], next: &AtomicUsize) -> Option<(usize, &'n Node)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    nodes.get(position).map(|node| (position, node))
}
