//! Black box: Herald's programs, real FRR and real neighbours, in network namespaces.
//!
//! Everything here starts real programs and asks them what they see. A [`Lab`] owns namespaces, a folder and processes,
//! and removes them however its owner ends: by return, by panic, by Ctrl-C, by `kill -9`.

mod bird;
pub mod cluster;
mod frr;
mod gobgp;
mod herald;
mod http;
pub mod kube;
mod lab;
pub mod load;
mod logged;
pub mod many;
mod network;
mod ports;
mod process;
pub mod quickstart;
mod random;
pub mod scrape;
pub mod site;
mod statements;
pub mod updates;
mod wait;

pub use bird::{Bird, BirdRoute, BirdSession};
pub use cluster::Cluster;
pub use frr::{Frr, Loaded, Release};
pub use gobgp::{Gobgp, GobgpRoute};
pub use herald::{Agent, Herald, program, repository};
pub use http::HttpServer;
pub use kube::{Kube, Operator};
pub use lab::Lab;
pub use logged::Logged;
pub use network::{Namespace, Segment};
pub use process::{Process, output};
pub use random::Random;
pub use statements::{as_frr_runs, statements};
pub use wait::wait_for;
