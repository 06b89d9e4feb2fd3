//! Andon: the alarm and the stop-cord between model platforms and the SOC.
//!
//! ```text
//! model side                              andon                                   SOC side
//! registries      webhook | poll | file   ┌──────────────────────────────┐  HEC | Logs Ingestion | Events v2
//! feature stores  ───── signals ────────▶ │ intake ▸ mapping ▸ triage    │ ───── alerts ─────▶ Splunk, Sentinel,
//! eval harnesses                          │                 ▾            │                     PagerDuty, …
//! guardrails, agents                      │               store          │
//!                 ◀──── containment ───── │ containment ◂ policy ◂ API   │ ◀──── actions ───── SOAR playbooks
//!                  read ▸ do ▸ prove      └──────────────────────────────┘  REST | OpenC2 | webhooks
//!                  ▸ undo when due
//! ```
//!
//! This file is the map of the house and holds no code. A module imports from lower levels, and in
//! its own level from those named before it; `tests/architecture.rs` checks that. Levels 0 to 2 know
//! no IO, no async and no clock but [`clock`].

// Level 0: words of the domain.
pub mod untrusted;
pub mod id;
pub mod clock;
pub mod json;
pub mod document;
pub mod action;
pub mod signal;
pub mod alert;
pub mod kind;
pub mod ocsf;
pub mod diag;

// Level 1: small languages.
pub mod yaml;
pub mod expr;
pub mod template;

// Level 2: what an admin writes.
pub mod formats;
pub mod shape;
pub mod connector;
pub mod mapping;
pub mod config;
pub mod catalog;

// Level 3: effects, each behind one narrow type.
pub mod secret;
pub mod store;
pub mod web;
pub mod meters;

// Level 4: the jobs.
pub mod live;
pub mod triage;
pub mod intake;
pub mod delivery;
pub mod containment;
pub mod asking;
pub mod server;

// Level 5: assembly.
pub mod sandbox;
pub mod daemon;
pub mod cli;
