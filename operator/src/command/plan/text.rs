//! The plan as tables.

use super::view::{PoolView, RefusalView, ServiceView, View};
use crate::output::Table;
use std::sync::Arc;

/// So many names are said; of more, how many.
const NAMES: usize = 4;

/// More free addresses than this are `many`.
const MANY: i64 = 1 << 32;

/// The tables, each after an empty line.
pub fn render(view: &View) -> String {
    let tables = [services(&view.services), refusals(&view.services), pools(&view.pools)];
    let texts: Vec<String> = tables.iter().filter(|table| !table.is_empty()).map(Table::render).collect();
    if texts.is_empty() {
        "no Services of type LoadBalancer, no pools\n".to_owned()
    } else {
        texts.join("\n")
    }
}

fn services(services: &[ServiceView]) -> Table {
    let mut table =
        Table::new(&["SERVICE", "ADDRESSES", "POOL", "PROTOCOL", "NODES", "PEERS", "COMMUNITIES"]);
    for view in services {
        table.row([
            view.service.clone(),
            list(&view.addresses),
            view.pool.as_deref().unwrap_or_default().to_owned(),
            list(&view.protocols),
            if only_layer2(view) { "elected".to_owned() } else { names(&view.nodes) },
            list(&view.peers),
            list(&view.communities),
        ]);
    }
    table
}

/// Why Services are not announced, or not from some nodes.
fn refusals(services: &[ServiceView]) -> Table {
    let mut table = Table::new(&["NOT ANNOUNCED", "FROM", "WHY"]);
    for view in services {
        if let Some(why) = &view.unallocated {
            table.row([view.service.clone(), "any node".to_owned(), why.clone()]);
            continue;
        }
        if only_layer2(view) {
            continue;
        }
        for refusal in &view.refusals {
            table.row([
                view.service.clone(),
                from(refusal),
                format!("{}: {}", refusal.reason, refusal.message),
            ]);
        }
    }
    table
}

/// Served by layer 2 alone: not missing from BGP, and by a node that the agents elect.
fn only_layer2(view: &ServiceView) -> bool {
    view.protocols == ["layer2"]
}

fn from(refusal: &RefusalView) -> String {
    if refusal.everywhere { "any node".to_owned() } else { names(&refusal.nodes) }
}

fn pools(pools: &[PoolView]) -> Table {
    let mut table = Table::new(&["POOL", "ADDRESSES", "SERVICES", "IPV4 USED", "FREE", "IPV6 USED", "FREE"]);
    for view in pools {
        table.row([
            view.pool.to_string(),
            list(&view.addresses),
            view.services.to_string(),
            view.assigned_v4.to_string(),
            free(view.available_v4),
            view.assigned_v6.to_string(),
            free(view.available_v6),
        ]);
    }
    table
}

/// The count; of a pool that nobody can exhaust, not its number of 19 digits.
fn free(available: i64) -> String {
    if available > MANY { "many".to_owned() } else { available.to_string() }
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

fn names(names: &[Arc<str>]) -> String {
    match names.get(..NAMES) {
        Some(few) if names.len() > NAMES + 1 => format!("{} and {} more", list(few), names.len() - NAMES),
        _ => list(names),
    }
}
