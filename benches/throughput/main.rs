//! `cargo xtask bench`: the numbers to hold, as ratios to what was measured in the same run on the
//! same machine. Most stand beside a bare server that was written by hand.
//!
//! Absolute figures drift by tens of percent between machines and days; quote the ratios. The
//! generator and the receiver run in this process, each program under test in its own.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints tables and reads the clock"
)]

// What is measured.
mod actions;
mod backlog;
mod growth;
mod idle;
mod mappings;
mod storm;
mod throughput;
// How.
mod api;
mod bare;
mod candidate;
mod house;
mod load;
mod receiver;
mod rows;
mod run;
mod settings;
mod wire;

use std::error::Error;
use std::path::Path;

use settings::{Settings, Table};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match arguments.as_slice() {
        ["serve-bare", port, hec, log] => {
            Ok(runtime.block_on(bare::serve(port.parse()?, hec.parse()?, Path::new(log)))?)
        }
        ["serve-drop", port] => Ok(runtime.block_on(bare::serve_drop(port.parse()?))?),
        arguments => runtime.block_on(tables(&Settings::parse(arguments)?)),
    }
}

async fn tables(settings: &Settings) -> Outcome<()> {
    for (place, table) in settings.tables.iter().enumerate() {
        if place > 0 {
            println!();
        }
        match table {
            Table::Throughput => throughput::table(settings).await?,
            Table::Storm => storm::table(settings).await?,
            Table::Mappings => mappings::table(settings).await?,
            Table::Backlog => backlog::table(settings).await?,
            Table::Growth => growth::table(settings).await?,
            Table::Actions => actions::table(settings).await?,
            Table::Idle => idle::table(settings).await?,
        }
    }
    Ok(())
}
