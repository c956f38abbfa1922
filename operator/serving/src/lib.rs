//! What the shells serve beside their work: HTTPS with certificates that change, who may ask, metrics, health, and logs.

pub mod access;
pub mod certificates;
pub mod health;
pub mod https;
pub mod logs;
pub mod metrics;
pub mod process;
pub mod secure;
pub mod tls;
