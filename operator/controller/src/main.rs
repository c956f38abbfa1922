//! The operator of a cluster: gives out addresses and judges objects before they are stored.

fn main() {}
