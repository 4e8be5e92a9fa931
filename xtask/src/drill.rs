//! Drills: what takes too long for every change.

mod boot;
mod hostile;
mod kind;

pub(crate) use boot::boot;
pub(crate) use hostile::hostile;
pub(crate) use kind::kind;
