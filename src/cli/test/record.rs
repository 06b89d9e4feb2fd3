//! `andon test --record MAPPING SIGNAL`: a test from a signal, with what the mapping gives now.
//!
//! Of the signal only what the mapping reads is written, and of that no text that a person or a model
//! may have written, unless somebody says so (`keep`). What is left must give what the whole signal gave.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::keep::{ALL, Kept};
use super::put;
use crate::catalog::run_cases;
use crate::cli::explain::asked::{How, find, looked_up, mapping_name, signals};
use crate::cli::{Ended, Format, Where, output, shown};
use crate::daemon::{self, Folder};
use crate::mapping::{Case, Given, Gives, Mapping, Outcome};
use crate::signal::Signal;
use crate::untrusted;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Record {
    /// Write a test into a mapping's file: this signal, and what the mapping gives for it now. A signal in a
    /// file needs no daemon; a stored one (`sig_…`) and `last`, the newest, are asked of the running daemon
    #[arg(long = "record", id = "record", num_args = 2, value_names = ["MAPPING", "SIGNAL"])]
    named: Option<Vec<String>>,
    /// With --record: the test's name
    #[arg(long, value_name = "TEXT", requires = "record")]
    it: Option<String>,
    /// With --record: write this text of the signal too, such as `labels.summary`, although a person or
    /// a model may have written it; `all` for every one
    #[arg(long, value_name = "KEY", requires = "record")]
    keep: Vec<String>,
    /// With --record: which signal of a file that holds several, from 1
    #[arg(long, value_name = "NUMBER", requires = "record")]
    nth: Option<usize>,
    /// With --record: what was looked up, a JSON file such as { "version": { … } }
    #[arg(long, value_name = "FILE", requires = "record")]
    look_up: Option<PathBuf>,
    /// With --record: the signal in the file, where it is not the one under `from:`
    #[arg(long = "as", value_name = "CONNECTOR/SIGNAL", requires = "record")]
    name: Option<String>,
    /// With --record: what `now` is; without it the present, or when a stored signal was read
    #[arg(long, value_name = "TIME", requires = "record")]
    now: Option<Timestamp>,
}

impl Record {
    /// Whether a test is to be written.
    pub(super) fn is_asked(&self) -> bool {
        self.named.is_some()
    }
}

/// Writes the test.
pub(super) fn run(typed: &Record, at: &Where, format: Format) -> anyhow::Result<Ended> {
    let [named, signal] = typed.named.as_deref().unwrap_or_default() else {
        bail!("--record needs a mapping and a signal");
    };
    let mut folder = at.folder(Path::new("."))?;
    let name = mapping_name(named, &mut folder)?;
    let (catalog, _) = daemon::load(&folder)?;
    let mapping = find(&catalog, &name)?;
    let source = &mapping.place.source;
    if source.name.starts_with("built-in:") {
        bail!(
            "`{name}` is built in; a copy of it in the folder of mappings can have tests of its own"
        );
    }
    let found = looked_up(typed.look_up.as_deref())?;
    let how = How {
        name: typed.name.as_deref(),
        connection: None,
        now: typed.now,
    };
    let signals = signals(at, &catalog, mapping, signal, how)?;
    let signal = one_of(&signals, typed.nth)?;
    let mut kept = Kept::default();
    let case = case(typed, mapping, signal, &found, &mut kept)?;
    let test = written(&case, mapping)?;
    if mapping.cases.iter().any(|known| known.it == case.it) {
        let it = untrusted::log(&case.it, 100);
        bail!("`{name}` has a test called `{it}` already; give this one another name with --it");
    }
    let (text, lines) = put::with_test(source, &test)?;
    check(&folder, &name, &source.name, &text, mapping.cases.len())?;
    put::write(Path::new(&source.name), &text)?;
    let json = json!({
        "mapping": name, "file": source.name, "test": test,
        "left_out": kept.replaced, "keys_left_out_of": kept.keys,
    });
    output::answer(format, &json, |_| told(&source.name, &lines, &kept));
    Ok(Ended::Fine)
}

fn one_of(signals: &[Signal], nth: Option<usize>) -> anyhow::Result<&Signal> {
    match (signals, nth) {
        ([only], None) => Ok(only),
        (several, None) => bail!(
            "the file holds {} signals: say which with --nth, from 1 (`andon explain` tells them)",
            several.len()
        ),
        (several, Some(number)) => number
            .checked_sub(1)
            .and_then(|index| several.get(index))
            .with_context(|| {
                format!(
                    "the file holds {} signals, and no number {number}",
                    several.len()
                )
            }),
    }
}

/// The test: what may be kept of the signal, and that it gives the same as the whole.
fn case(
    typed: &Record,
    mapping: &Mapping,
    signal: &Signal,
    found: &Map<String, Json>,
    kept: &mut Kept,
) -> anyhow::Result<Case> {
    let own = signal.name == mapping.from;
    if own
        && let Some(missing) = mapping
            .look_up
            .iter()
            .find(|one| !found.contains_key(&one.name))
    {
        bail!(
            "`{}` looks up `{}`: give what it finds with --look-up FILE.json, such as {{ \"{}\": {{ … }} }}",
            mapping.name,
            missing.name,
            missing.name
        );
    }
    let whole = mapping
        .gives(signal, found)
        .map_err(|why| anyhow::anyhow!("the mapping gives nothing to write down: {why}"))?;
    let data = signal.data.as_data().to_json();
    let mut read = mapping.reads(&signal.name, "signal").part_of(&data);
    if let (Some(map), Some(at)) = (read.as_object_mut(), data.get("at")) {
        map.entry("at").or_insert_with(|| at.clone());
    }
    let data = kept.of(&read, "", &typed.keep);
    let mut look_up = Map::new();
    for one in mapping.look_up.iter().filter(|_| own) {
        let value = found.get(&one.name).unwrap_or(&Json::Null);
        let read = mapping.reads(&signal.name, &one.name).part_of(value);
        look_up.insert(one.name.clone(), kept.of(&read, &one.name, &typed.keep));
    }
    if let Some(unknown) = typed
        .keep
        .iter()
        .find(|key| *key != ALL && !kept.wanted.contains(key))
    {
        bail!(
            "the mapping reads nothing at `{}`, so that nothing is kept of it",
            shown::text(unknown)
        );
    }
    let mut case = Case {
        it: String::new(),
        given: Given::Signal {
            from: (!own).then(|| signal.name.clone()),
            data,
        },
        look_up,
        now: mapping.reads_clock(&signal.name).then_some(signal.now),
        gives: Vec::new(),
        place: mapping.place.clone(),
    };
    let less = case
        .signal(mapping)
        .context("the signal is no map of keys and values")?;
    let came = mapping.gives(&less, &case.look_up);
    let same = match (&whole, &came) {
        (Gives::Alert(whole), Ok(Gives::Alert(less))) => {
            whole.get("severity") == less.get("severity")
        }
        (whole, Ok(less)) => whole == less,
        (_, Err(_)) => false,
    };
    if !same {
        let words = |key: &String| format!("--keep {}", shown::text(key));
        let keep: Vec<String> = kept.replaced.iter().map(words).collect();
        let help = if keep.is_empty() {
            format!("--keep {ALL}")
        } else {
            keep.join(" ")
        };
        bail!(
            "without texts that a person or a model may have written the mapping says something else; \
             if they may stand in the file, say so: {help}"
        );
    }
    case.gives.extend(came);
    case.it = typed.it.clone().unwrap_or_else(|| {
        let gave = match &whole {
            Gives::Nothing => "nothing".to_owned(),
            Gives::Resolved => "resolved".to_owned(),
            Gives::Alert(alert) => alert
                .get("severity")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned(),
        };
        format!("recorded {}, {gave}", shown::seconds(signal.at))
    });
    Ok(case)
}

/// As a file has it; of an alert what a person sees first, and what leaves the house.
fn written(case: &Case, mapping: &Mapping) -> anyhow::Result<Map<String, Json>> {
    let mut test = Map::new();
    test.insert("it".to_owned(), case.it.as_str().into());
    let Given::Signal { from, data } = &case.given else {
        bail!("`{}` has no signal to write", mapping.name);
    };
    if let Some(from) = from {
        test.insert("from".to_owned(), from.to_string().into());
    }
    test.insert("signal".to_owned(), data.clone());
    if !case.look_up.is_empty() {
        test.insert("look_up".to_owned(), Json::Object(case.look_up.clone()));
    }
    if let Some(now) = case.now {
        test.insert("now".to_owned(), now.to_string().into());
    }
    let gives = match case.gives.first() {
        Some(Gives::Alert(alert)) => ["severity", "title", "fields"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), alert.get(key)?.clone())))
            .filter(|(_, value)| *value != json!({}))
            .collect::<Map<String, Json>>()
            .into(),
        Some(other) => other.to_json(),
        None => Json::Null,
    };
    test.insert("gives".to_owned(), gives);
    Ok(test)
}

/// The file as it would be is read and its tests are run, before it is written.
fn check(folder: &Folder, name: &str, file: &str, text: &str, before: usize) -> anyhow::Result<()> {
    let mut folder = folder.clone();
    folder
        .files
        .put(&format!("mappings/{name}.yaml"), file, text.as_bytes());
    let (catalog, _) =
        daemon::load(&folder).context("the test cannot be written so that it reads back")?;
    let mapping = find(&catalog, name)?;
    let ran = run_cases(&catalog, mapping, &folder.files);
    match ran.last() {
        Some(last) if ran.len() == before + 1 => match &last.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(failure) => {
                bail!(
                    "what was written would fail: {}",
                    untrusted::log(&failure.to_string(), 400)
                )
            }
        },
        _ => bail!("the test cannot be written so that it reads back"),
    }
}

fn told(file: &str, lines: &str, kept: &Kept) -> String {
    let mut out = format!("written to {}:\n\n{lines}\n\n", shown::text(file));
    if !kept.replaced.is_empty() || !kept.keys.is_empty() {
        let all: Vec<&str> = kept
            .replaced
            .iter()
            .chain(&kept.keys)
            .map(String::as_str)
            .collect();
        let _ = write!(
            out,
            "left out, because a person or a model may have written it: {}\n  \
             (--keep KEY writes it; look at it first)\n",
            untrusted::log(&all.join(", "), 400)
        );
    }
    out.push_str("This is what the mapping gives now. Look whether it is what you want, and give the test a name that says why.\n");
    out
}
