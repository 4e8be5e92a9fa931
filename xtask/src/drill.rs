//! Drills: what takes too long for every change.

mod hostile;
mod kind;

pub(crate) use hostile::hostile;
pub(crate) use kind::kind;
