//! Schemas of what Kubernetes defines, or of what attributes cannot say.

mod cel;
mod evpn;
mod meta;
mod pod;

pub(crate) use cel::{aggregation, connect_time, immutable, one_session, some_addresses};
pub(crate) use evpn::{export_route_targets, import_route_targets, route_distinguisher};
pub(crate) use meta::{
    conditions, conditions_by_type, integer, label_selector, label_selectors, peer_port, port_or_zero,
    secret_reference,
};
pub(crate) use pod::{affinity, resources, tolerations};
