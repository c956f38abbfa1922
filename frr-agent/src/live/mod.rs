//! What FRR really does: sessions, BFD, and what each neighbor was sent against what is wanted.

mod account;
mod event;
mod facts;
mod observer;
mod question;
mod sent;
mod task;
#[cfg(test)]
mod tests;

pub use facts::{Facts, SessionFacts};
#[cfg(test)]
pub use sent::sent_for_tests;
pub use sent::{Delivery, Sent};
pub use task::spawn;
