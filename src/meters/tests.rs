//! What `/metrics` answers with, read as strictly as OpenMetrics 1.0 is written.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::store::Options;

/// The table that people read.
const TABLE: &str = include_str!("../../docs/metrics.md");

/// A family: what it is, its labels (`le` aside), and its samples by their labels.
#[derive(Debug, Default)]
struct Read {
    kind: String,
    unit: Option<String>,
    help: bool,
    labels: BTreeSet<String>,
    samples: BTreeMap<(String, String), f64>,
}

/// Reads the text; a fault names its line.
fn read(text: &str) -> Result<BTreeMap<String, Read>, String> {
    let body = text
        .strip_suffix("# EOF\n")
        .ok_or("the end is not `# EOF`")?;
    let mut families: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        let fault = |why: &str| format!("{why}: {line}");
        if let Some(about) = line.strip_prefix("# ") {
            let (word, rest) = about.split_once(' ').ok_or_else(|| fault("no word"))?;
            let (name, value) = rest.split_once(' ').ok_or_else(|| fault("no value"))?;
            if name != current {
                if families.contains_key(name) {
                    return Err(fault("a family stands in two places"));
                }
                families.insert(name.to_owned(), Read::default());
                name.clone_into(&mut current);
            }
            let family = families.get_mut(name).ok_or_else(|| fault("no family"))?;
            match word {
                "TYPE" if ["counter", "gauge", "histogram", "info"].contains(&value) => {
                    value.clone_into(&mut family.kind);
                }
                "UNIT" if name.ends_with(&format!("_{value}")) => {
                    family.unit = Some(value.to_owned());
                }
                "HELP" => family.help = true,
                _ => return Err(fault("no such line")),
            }
            continue;
        }
        let (name, labels, value) = sample(line).ok_or_else(|| fault("no sample"))?;
        let family = families
            .get_mut(&current)
            .ok_or_else(|| fault("no family"))?;
        let suffix = name
            .strip_prefix(&current)
            .ok_or_else(|| fault("a stray sample"))?;
        let fits: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => return Err(fault("a sample before its type")),
        };
        if !fits.contains(&suffix) {
            return Err(fault("no such suffix"));
        }
        let names = labels.iter().map(|(name, _)| name.clone());
        family.labels.extend(names.filter(|name| name != "le"));
        let key = (suffix.to_owned(), format!("{labels:?}"));
        if family.samples.insert(key, value).is_some() {
            return Err(fault("the same sample again"));
        }
    }
    Ok(families)
}

type Labels = Vec<(String, String)>;

/// `name{label="value",…} 1.5`
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut characters = after.char_indices();
            let end = loop {
                match characters.next()? {
                    (_, '\\') => value.push(match characters.next()?.1 {
                        'n' => '\n',
                        same @ ('\\' | '"') => same,
                        _ => return None,
                    }),
                    (at, '"') => break at + 1,
                    (_, plain) => value.push(plain),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &after[end..];
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.strip_prefix(' ')?.parse().ok()?;
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    (is_name(name) && labels.iter().all(|(label, _)| is_name(label)))
        .then_some((name, labels, value))
}

/// Meters on which everything was counted once.
fn all_of_them() -> (tempfile::TempDir, Meters) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
    let path = folder.path().join("andon.db");
    let store = Store::open(&path, clock.clone(), Options::default()).unwrap();
    let meters = Meters::new(&store, &clock);
    meters.signals.add("registry", "read", 2);
    meters.refused.add("registry", "too_large", 1);
    meters.request_signals.observe(50.0);
    meters.judged.add("drift", "open", 1);
    meters.polls.add("registry", "failed", 1);
    meters.deliveries.add("soc", "delivered", 2);
    meters.actions.add("mlflow/move-alias", "succeeded", 1);
    meters.looks.add("mlflow/move-alias", "holds", 1);
    meters.lost("registry", 3);
    meters.sends("soc", 2);
    meters.delivered("soc", [0.01, -1.0].into_iter());
    (folder, meters)
}

fn reading() -> Reading {
    Reading {
        destinations: vec![DestinationReading {
            name: "soc".to_owned(),
            waiting: 4,
            oldest_seconds: 90,
            dead_letters: 1,
            stopped: true,
            paused: false,
        }],
        unsettled: vec![("registry".to_owned(), "stuck", 7)],
        alerts_open: 3,
        free: Some(1_000),
        room: true,
        ..Reading::default()
    }
}

#[test]
fn the_table_and_the_answer_name_the_same_families_and_labels() {
    let (_folder, meters) = all_of_them();
    let answered: BTreeMap<String, String> = read(&meters.text(&reading()))
        .unwrap()
        .into_iter()
        .map(|(name, family)| {
            let end = match family.kind.as_str() {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            let labels: Vec<String> = family.labels.into_iter().collect();
            (
                name + end,
                format!("{}: {}", family.kind, labels.join(", ")),
            )
        })
        .collect();
    let told: BTreeMap<String, String> = TABLE
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `andon_")?.split(" | ");
            let name = cells.next()?.strip_suffix('`')?;
            let kind = cells.next()?;
            let labels = cells.next()?.replace('`', "");
            Some((
                format!("andon_{name}"),
                format!("{kind}: {}", labels.trim()),
            ))
        })
        .collect();
    assert_eq!(answered, told);
}

#[test]
fn the_answer_is_openmetrics() {
    let (_folder, meters) = all_of_them();
    let families = read(&meters.text(&reading())).unwrap();
    for (name, family) in &families {
        assert!(family.help && !family.samples.is_empty(), "{name}");
        let ends_in_unit = name.ends_with("_seconds") || name.ends_with("_bytes");
        assert_eq!(family.unit.is_some(), ends_in_unit, "{name}");
    }
    let delivered = &families["andon_delivery_seconds"].samples;
    let of = |suffix: &str, labels: &str| delivered[&(suffix.to_owned(), labels.to_owned())];
    let soc = "[(\"destination\", \"soc\")]";
    let most = "[(\"le\", \"+Inf\"), (\"destination\", \"soc\")]";
    // A clock that went back gives no negative time.
    assert_eq!((of("_count", soc), of("_bucket", most)), (2.0, 2.0));
    assert!((of("_sum", soc) - 0.01).abs() < 1e-9);
}

#[test]
fn faults_are_found() {
    for (text, why) in [
        ("", "the end"),
        ("# TYPE a counter\na 1\n# EOF\n", "no such suffix"),
        (
            "# TYPE a gauge\na 1\n# TYPE b gauge\n# TYPE a gauge\n# EOF\n",
            "two places",
        ),
        ("# TYPE a gauge\n# UNIT a seconds\n# EOF\n", "no such line"),
        ("# TYPE a gauge\na 1\na 1\n# EOF\n", "the same sample"),
        ("# TYPE a gauge\na{b=\"c\n\"} 1\n# EOF\n", "no sample"),
        ("# TYPE a gauge\n\n# EOF\n", "no sample"),
    ] {
        let fault = read(text).unwrap_err();
        assert!(fault.contains(why), "{text:?}: {fault}");
    }
}

#[test]
fn what_a_name_holds_stays_one_label() {
    let (_folder, meters) = all_of_them();
    let hostile = "a\"} 1\nandon_fake 2 # {\\";
    meters.signals.add(hostile, "read", 5);
    let families = read(&meters.text(&reading())).unwrap();
    assert!(!families.contains_key("andon_fake"));
    let labels = format!("{:?}", [("connection", hostile), ("outcome", "read")]);
    let samples = &families["andon_signals"].samples;
    assert_eq!(
        samples[&("_total".to_owned(), labels)].to_bits(),
        5.0_f64.to_bits()
    );
}

#[test]
fn a_counter_found_again_is_the_same() {
    let tally = Tally::new("connection", "outcome");
    for _ in 0..3 {
        tally.add("a", "read", 2);
        tally.add("a", "stuck", 1);
        tally.add("b", "read", 1);
    }
    assert_eq!(tally.sum("a", |_| true), 9);
    assert_eq!(tally.sum("a", |word| word == "stuck"), 3);
    assert_eq!(tally.sum("c", |_| true), 0);
}
