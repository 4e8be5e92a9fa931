//! The service as its clients see it: over TLS on loopback, one file a subject.
//!
//! One program, so that what all tests need is linked once.
#![cfg(test)]

mod auth;
mod client_certificates;
mod collateral;
mod confidential_vms;
mod config;
mod connections;
mod control_plane;
mod ear;
mod endpoints;
mod endpoints_page;
mod event_log;
mod evidence;
mod fetching;
mod guest;
mod guest_machines;
mod handbook;
mod hcl;
mod history;
mod http;
mod networks;
mod policies;
mod providers;
mod raw;
mod readiness;
mod recorded;
mod refusals;
mod root_provider;
mod route;
mod said;
mod shares;
#[path = "../support/mod.rs"]
mod support;
mod token_exchange;
mod tpm;
mod work;
