//! The project's own commands: `cargo xtask ci | live | simulate | kill | power | soak | bench | packages | deb`.
//! Needs nothing but Rust and, for the live tests, Python; `deb` needs dpkg-deb.

mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::steps::Step;

const USAGE: &str = "\
cargo xtask ci [--skip-test]   format, clippy, tests, packages, live tests, docs; what CI runs
cargo xtask live [--all]       tests against real servers and a real editor: MLflow, Inspect, Neovim; with --all also Evidently and Feast
cargo xtask simulate [--seeds N] [--seed S] [--release]  the daemon in stopped time, where everything goes wrong; one seed is told whole
cargo xtask kill [--times N] [--release]           kill -9 under load, with destinations that fail
cargo xtask power [--times N] [--release]          power cuts: only what was synced is left
cargo xtask soak [--minutes N] [--rate N] [--debug]  a long run at a steady rate of signals a second
cargo xtask bench [WORD…]      the numbers to hold, beside a bare server; only=throughput|storm|mappings|backlog|growth|actions|idle for one table
cargo xtask packages [BINARY]  tries the systemd unit, the container's files and the Debian package with a program; without one the debug build
cargo xtask deb [BINARY]       makes target/andon_VERSION_ARCHITECTURE.deb; without a program it builds the release";

/// The live tests of every CI run: the modules of `tests/live/main.rs`.
const LIVE: &[&str] = &["mlflow", "mlserver", "inspect", "neovim"];
/// Those that install too much for that.
const LIVE_ALL: &[&str] = &["evidently", "feast"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(root)?;
    match arguments.as_slice() {
        ["ci"] => ci(true),
        ["ci", "--skip-test"] => ci(false),
        ["live"] => live(LIVE),
        ["live", "--all"] => live(&[LIVE, LIVE_ALL].concat()),
        ["simulate", options @ ..] => simulate(options),
        ["kill", options @ ..] => endure("kill::", "ANDON_KILLS", options),
        ["power", options @ ..] => endure("power::", "ANDON_CUTS", options),
        ["soak", options @ ..] => soak(options),
        ["bench", words @ ..] => bench(words),
        ["packages"] => packages(None),
        ["packages", binary] => packages(Some(binary)),
        ["deb"] => deb(None),
        ["deb", binary] => deb(Some(binary)),
        _ => bail!("{USAGE}"),
    }
}

fn ci(with_tests: bool) -> Result<()> {
    Step::cargo("format", &["fmt", "--all", "--check"]).run()?;
    Step::cargo(
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    )
    .run()?;
    if with_tests {
        Step::cargo("test", &["test"]).run()?;
    }
    packages(None)?;
    live(LIVE)?;
    Step::cargo("docs", &["doc", "--no-deps", "--quiet"])
        .with(
            "RUSTDOCFLAGS",
            "-D warnings -D rustdoc::broken_intra_doc_links",
        )
        .run()
}

/// Makes the environments, then runs the ignored tests of the modules so named.
fn live(names: &[&str]) -> Result<()> {
    for name in names {
        Step::new(
            &format!("live environment {name}"),
            "tests/live/prepare.sh",
            &[name],
        )
        .run()?;
    }
    let modules: Vec<String> = names.iter().map(|name| format!("{name}::")).collect();
    // One after the other: each starts servers, and two of them at once only make both slow.
    let mut arguments = vec![
        "test",
        "--test",
        "live",
        "--",
        "--ignored",
        "--test-threads=1",
    ];
    arguments.extend(modules.iter().map(String::as_str));
    Step::cargo("live tests", &arguments).run()
}

fn bench(words: &[&str]) -> Result<()> {
    let mut arguments = vec!["bench", "--bench", "throughput", "--"];
    arguments.extend(words);
    Step::cargo("bench", &arguments).run()
}

/// Seeds of the simulation, which is a unit test: it uses seams that no release has.
fn simulate(options: &[&str]) -> Result<()> {
    let seed = value(options, "--seed")?;
    let seeds = value(options, "--seeds")?.unwrap_or(if seed.is_some() { 1 } else { 1_000 });
    let mut arguments = vec!["test", "--lib", "--quiet"];
    if options.contains(&"--release") {
        arguments.push("--release");
    }
    arguments.extend(["simulation::what_was_promised", "--", "--nocapture"]);
    Step::cargo("simulate", &arguments)
        .with("ANDON_SEEDS", &seeds.to_string())
        .with("ANDON_SEED", &seed.unwrap_or(1).to_string())
        .run()
}

/// One of the proofs of `tests/endurance/`, so many times.
fn endure(module: &str, variable: &str, options: &[&str]) -> Result<()> {
    let times = value(options, "--times")?.unwrap_or(1_000);
    let mut arguments = vec!["test", "--test", "endurance", "--quiet"];
    if options.contains(&"--release") {
        arguments.push("--release");
    }
    arguments.extend([module, "--", "--nocapture"]);
    Step::cargo(module.trim_end_matches(':'), &arguments)
        .with(variable, &times.to_string())
        .run()
}

fn soak(options: &[&str]) -> Result<()> {
    let minutes = value(options, "--minutes")?.unwrap_or(30);
    let rate = value(options, "--rate")?.unwrap_or(2_000);
    let mut arguments = vec!["test", "--test", "endurance", "--quiet"];
    if !options.contains(&"--debug") {
        arguments.push("--release");
    }
    arguments.extend(["soak::", "--", "--ignored", "--nocapture"]);
    Step::cargo("soak", &arguments)
        .with("ANDON_MINUTES", &minutes.to_string())
        .with("ANDON_RATE", &rate.to_string())
        .run()
}

/// The number behind an option.
fn value(options: &[&str], name: &str) -> Result<Option<u64>> {
    let Some(at) = options.iter().position(|option| *option == name) else {
        return Ok(None);
    };
    let number = options.get(at + 1).and_then(|text| text.parse().ok());
    number
        .map(Some)
        .with_context(|| format!("write a number behind `{name}`"))
}

/// What is packed around a program, tried with it; each says when it cannot be tried here.
fn packages(binary: Option<&str>) -> Result<()> {
    let built = match binary {
        Some(binary) => PathBuf::from(binary),
        // As `cargo test` builds it, so that CI does not build what it depends on a second time.
        None => build("debug", &["test", "--no-run", "--test", "service"])?,
    };
    let built = built.to_string_lossy();
    for kind in ["systemd", "container", "debian"] {
        Step::new(kind, &format!("packaging/{kind}/try"), &[&built]).run()?;
    }
    Ok(())
}

fn deb(binary: Option<&str>) -> Result<()> {
    let built = match binary {
        Some(binary) => PathBuf::from(binary),
        None => build("release", &["build", "--release"])?,
    };
    let arguments = [&*built.to_string_lossy(), "target"];
    Step::new("Debian package", "packaging/debian/build", &arguments).run()
}

/// Builds the program; gives where it lies.
fn build(profile: &str, arguments: &[&str]) -> Result<PathBuf> {
    Step::cargo("build", arguments).run()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(PathBuf::from(target).join(profile).join("andon"))
}
