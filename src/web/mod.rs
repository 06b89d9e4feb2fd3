//! Outgoing HTTP: the only place where a host, a credential and a request meet.
//!
//! Everything above hands over a [`shape::Request`](crate::shape::Request), which holds no host and no secret. A
//! [`Connection`] adds the base URL and the secrets of one connection in `andon.yaml`, sends, and reads a bounded answer.
//!
//! What it must not do: follow a redirect or a proxy of the environment; connect to an address outside the connection's
//! [`Reach`](crate::config::Reach), whatever a name resolves to; let a path leave the base path; put a secret into an error, a log or a dry
//! run; send anything twice. Whether to send again is decided by who asked, by what an [`Error`] says.

mod error;
mod reach;
mod place;
mod fill;
mod redacted;
mod answer;
mod trust;
mod wire;
mod token;
mod client;
mod limiter;
#[cfg(test)]
mod scripted;

pub use answer::{Answer, header_object};
pub use client::{Client, ClientCertificate, Connection, Options, Settings};
pub use error::{Again, Blame, Error};
pub use limiter::{Limiter, Rate};
pub use redacted::Redacted;
#[cfg(test)]
pub(crate) use scripted::{Asked, Lost, Reply, Script};

#[cfg(test)]
mod tests;
