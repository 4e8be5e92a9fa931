//! HTTPS to a service: bounded answers, no redirects, and a bearer token that goes to one host only.

mod http;
mod issuer;
mod refusal;
mod session;
mod steps;
mod url;

pub(crate) use http::{Answer, Http, REQUEST_BYTES_MAX, Request};
pub(crate) use issuer::{Published, Verified};
pub(crate) use refusal::{Refusal, Stop, conclude};
pub(crate) use session::{Session, json_of};
pub(crate) use steps::{Step, Steps};
pub(crate) use url::ServiceUrl;
