//! The operator of a cluster: gives out addresses and judges objects before they are stored.

// The program that shows them is not here yet.
#[cfg(test)]
#[expect(dead_code, unused_imports)]
mod metrics;

fn main() {}
