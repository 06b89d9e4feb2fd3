//! The doors, opened by a client that shows what stands on the wire.

mod house;

mod auth;
mod signals;
mod alerts;
mod actions;
mod bounds;
mod hostile;
mod health;
mod dead_letters;
mod destinations;
mod tls;
