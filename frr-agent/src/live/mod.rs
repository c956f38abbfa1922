//! What FRR really does: sessions, BFD, and what each neighbor was sent against what is wanted.

mod account;
mod event;
mod facts;
mod observer;
mod question;
mod task;
#[cfg(test)]
mod tests;

pub use facts::Facts;
pub use task::spawn;
