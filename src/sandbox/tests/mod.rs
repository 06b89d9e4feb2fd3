//! The stand-ins over a real socket: one row a rule.

mod client;
mod faults;
mod splunk;
mod azure;
mod pagerduty;
mod registry;
