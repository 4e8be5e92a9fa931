//! Administration of a running service: what its commands share, and policies.

mod get;
mod history;
mod options;
mod policy_type;
mod reset;
mod set;
pub(crate) mod table;

pub(super) use get::{PolicyGetArgs, run as get_policy};
pub(super) use history::{PolicyHistoryArgs, run as policy_history};
pub(super) use options::{ServiceArgs, TenantArgs};
pub(super) use reset::{PolicyResetArgs, run as reset_policy};
pub(super) use set::{PolicySetArgs, run as set_policy};
pub(super) use table::table;

/// Version of MAA's data plane that is spoken.
pub(super) const DATA_PLANE: &str = "api-version=2022-08-01";
