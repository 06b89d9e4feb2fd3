//! Proofs that take long: `cargo xtask kill`, `cargo xtask power`, `cargo xtask soak`. A plain `cargo test`
//! runs a bounded part of the first two. `docs/proofs.md` says what each proves.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

#[path = "../support/mod.rs"]
mod support;

mod chance;
mod files;
mod kill;
mod load;
mod power;
mod receiver;
mod soak;
mod verdict;

/// A number from the environment, else the one for a plain `cargo test`.
fn given(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}
