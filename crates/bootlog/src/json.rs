//! Logs as JSON: what policies query (`events` and `pcrs`), and what people and programs read.

mod banks;
mod events;
mod pcrs;
mod report;

pub use banks::{Banks, Verdicts};
pub use events::{EVENTS_BYTES_MAX, Events, EventsRefused};
pub use pcrs::pcrs;
pub use report::BootReport;
