//! Drills: what takes too long for every change.

mod boot;
mod hostile;
mod kind;
mod reproduce;

pub(crate) use boot::boot;
pub(crate) use hostile::hostile;
pub(crate) use kind::kind;
pub(crate) use reproduce::reproduce;
