//! What the agent measures of itself and of FRR, and where it shows that.

mod announced;
mod counts;
mod frr;
mod options;
mod pages;
mod scrape;
mod stages;
#[cfg(test)]
mod tests;
mod text;

pub use announced::announced;
pub use counts::Metrics;
pub use options::Options;
pub use pages::{CACHES, Sources, start, start_health};
pub use scrape::Scraper;
