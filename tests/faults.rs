//! Faults that people make, one a folder, and what `andon check` says to each; and that each code has
//! its page and its fault.
//!
//! A folder under `tests/faults/` is named after its fault and lies over what is built in.
//! `expected.txt` in it is what a reader sees. `UPDATE_EXPECT=1 cargo test --test faults` writes these
//! anew; read every one of them before keeping it.
//!
//! What `andon check --live` finds is in the folders that begin with `live-`: they are asked for real, at the
//! sandbox's strict stand-ins, whose ports stand in these files as words of five letters.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]
#![expect(
    clippy::expect_used,
    reason = "a test that cannot read its own files stops, and says why"
)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use andon::asking;
use andon::catalog::{Files, load};
use andon::clock::Clock;
use andon::diag::{Faults, Format, Level, Source, pages, render};
use andon::sandbox::{Fault, Listen, Pem, Running, azure, features, registry, splunk};
use support::{HEC_TOKEN, Outcome, Soc};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults")
}

/// Whether what is wrong shows only when connections are asked.
fn is_live(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with("live-")
}

/// The folders, by name.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root())
        .expect("tests/faults is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// The files below `folder`, by their path with `/`.
fn files(folder: &Path, below: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(below)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(folder, &path, found);
        } else {
            let name = path
                .strip_prefix(folder)
                .expect("below")
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join("/");
            if name != "expected.txt" {
                found.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
}

/// What `andon check` says to a folder, and how many errors and warnings that is.
fn said(folder: &Path) -> (String, usize, usize) {
    let mut found = Vec::new();
    files(folder, folder, &mut found);
    let mut config = fs::read_to_string(root().join("andon.yaml")).expect("andon.yaml");
    let mut over = Files::new();
    for (name, bytes) in found {
        if name == "andon.yaml" {
            config = String::from_utf8(bytes).expect("text");
        } else {
            over.put(&name, &name, &bytes);
        }
    }
    let mut all = Files::built_in();
    all.overlay(over);
    let mut faults = Faults::new();
    let catalog = load(&all, &Source::new("andon.yaml", config), &mut faults);
    let sorted = faults.into_sorted();
    let of = |level| sorted.iter().filter(|fault| fault.level == level).count();
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    assert_eq!(catalog.is_none(), errors > 0, "{}", folder.display());
    (
        render(&sorted, Format::Text { color: false }),
        errors,
        warnings,
    )
}

#[test]
fn each_fault_is_told_once_with_its_place_and_its_help() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let folders: Vec<PathBuf> = folders()
        .into_iter()
        .filter(|folder| !is_live(folder))
        .collect();
    assert!(folders.len() >= 30, "{} faults", folders.len());
    let halves = folders.chunks(folders.len().div_ceil(2));
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let told: Vec<_> = halves
            .map(|half| scope.spawn(move || wrongly_told(half, update)))
            .collect();
        told.into_iter()
            .flat_map(|half| half.join().expect("the half was read"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with what is said to each of these folders.
fn wrongly_told(folders: &[PathBuf], update: bool) -> Vec<String> {
    folders
        .iter()
        .flat_map(|folder| wrongly_said(folder, said(folder), update))
        .collect()
}

/// What is wrong with what is said to a folder: the text, how many errors and how many warnings.
fn wrongly_said(
    folder: &Path,
    (said, errors, warnings): (String, usize, usize),
    update: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = folder.file_name().expect("a name").to_string_lossy();
    if errors + warnings != 1 {
        wrong.push(format!(
            "{name}: {errors} errors and {warnings} warnings, and it has one fault\n{said}"
        ));
    }
    if !said.contains("help: ") {
        wrong.push(format!("{name}: nothing says what to type\n{said}"));
    }
    let expected = folder.join("expected.txt");
    if update {
        fs::write(&expected, &said).expect("written");
    } else if fs::read_to_string(&expected).unwrap_or_default() != said {
        wrong.push(format!("{name}: this is not what expected.txt has\n{said}"));
    }
    wrong
}

/// The stand-ins that are asked, and the words for their ports.
struct Asked {
    soc: Soc,
    tls: Running<splunk::Indexer>,
    lacking: Running<azure::Workspace>,
    registry: Running<registry::Registry>,
    features: Running<features::Features>,
    busy: Running<features::Features>,
}

impl Asked {
    async fn start() -> Outcome<Self> {
        let tls = fs::read_to_string("tests/data/tls/outgoing/server.crt")?;
        let key = fs::read_to_string("tests/data/tls/outgoing/leaf.key")?;
        let listen = Listen {
            tls: Some(Pem {
                certificate: tls,
                key,
            }),
            ..Listen::default()
        };
        let mut with_ack = splunk::Token::new(HEC_TOKEN);
        with_ack.use_ack = true;
        let tls = splunk::start(splunk::Options {
            listen,
            ..splunk::Options::with_token(with_ack)
        })
        .await?;
        let table: serde_json::Value =
            serde_json::from_str(&fs::read_to_string("connectors/sentinel/table.json")?)?;
        let columns = table["properties"]["schema"]["columns"].as_array();
        let columns: Vec<(&str, &str)> = columns
            .ok_or("no columns")?
            .iter()
            .filter_map(|column| Some((column["name"].as_str()?, column["type"].as_str()?)))
            .collect();
        let without_ocsf = azure::Stream::new(
            "Custom-Andon_CL",
            columns
                .strip_suffix(&[("Ocsf", "dynamic")])
                .ok_or("Ocsf is not the last")?,
        );
        let mut options = azure::Options::with_stream(without_ocsf);
        options.resources.columns = azure::Stream::new("", &columns).columns;
        let lacking = azure::start(options).await?;
        let registry = registry::start(registry::Options {
            token: Some("the right one".to_owned()),
            ..registry::Options::default()
        })
        .await?;
        let odd = r#"{ "featureViews": [ { "spec": { "name": 7 } } ] }"#;
        let features = features::start(&Listen::default(), odd).await?;
        let busy = features::start(&Listen::default(), "{}").await?;
        busy.faults()
            .then_times(100, &Fault::Status(503, "Service Unavailable".to_owned()));
        Ok(Self {
            soc: Soc::start().await?,
            tls,
            lacking,
            registry,
            features,
            busy,
        })
    }

    fn ports(&self) -> [(&'static str, String); 7] {
        let port = |url: &str| url.rsplit(':').next().unwrap_or_default().to_owned();
        [
            ("SPLNK", port(self.soc.splunk.url())),
            ("PAGER", port(self.soc.pager.url())),
            ("HTTPS", port(self.tls.url())),
            ("AZURE", port(self.lacking.url())),
            ("MLFLO", port(self.registry.url())),
            ("FEAST", port(self.features.url())),
            ("BUSY5", port(self.busy.url())),
        ]
    }

    /// What `andon check --live` says to a folder.
    async fn said(&self, folder: &Path) -> (String, usize, usize) {
        let mut config = fs::read_to_string(folder.join("andon.yaml")).expect("andon.yaml");
        for (word, port) in self.ports() {
            config = config.replace(word, &port);
        }
        let mut faults = Faults::new();
        let source = Source::new("andon.yaml", config);
        let catalog = load(&Files::built_in(), &source, &mut faults);
        let told = render(&faults.into_sorted(), Format::Text { color: false });
        let catalog = catalog.unwrap_or_else(|| panic!("{}:\n{told}", folder.display()));
        let (_, faults) = asking::ask(catalog, folder, Clock::system()).await;
        let sorted = faults.into_sorted();
        let mut said = render(&sorted, Format::Text { color: false });
        for (word, port) in self.ports() {
            said = said.replace(&port, word);
        }
        (said, sorted.len(), 0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asking_finds_is_told_once_with_its_place_and_its_help() -> Outcome<()> {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let asked = Asked::start().await?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in folders().iter().filter(|folder| is_live(folder)) {
        let folder = folder.strip_prefix(env!("CARGO_MANIFEST_DIR"))?;
        wrong.extend(wrongly_said(folder, asked.said(folder).await, update));
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 10, "{count} folders");
    // Nobody was told anything.
    assert_eq!(asked.soc.splunk.recorded().count(), 0);
    assert_eq!(asked.soc.pager.recorded().count(), 0);
    assert_eq!(asked.lacking.recorded().count(), 0);
    Ok(())
}

/// The files below a folder of the repository whose names end in `ending`.
fn sources(below: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// The codes that `src/` defines: `const NAME: Code = Code("AND0203");`, or `Code("AND0437")` in place.
fn defined() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        ".rs",
        &mut files,
    );
    let mut codes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for piece in code.split("Code(\"AND").skip(1) {
            codes.insert(format!("AND{}", piece.get(..4).unwrap_or_default()));
        }
    }
    codes
}

#[test]
fn each_code_has_a_page_and_each_page_a_code() {
    let pages: BTreeSet<String> = pages::all().map(str::to_owned).collect();
    assert_eq!(defined(), pages);
}

#[test]
fn each_code_has_a_fault_that_shows_it() {
    let shown: String = folders()
        .iter()
        .map(|folder| fs::read_to_string(folder.join("expected.txt")).unwrap_or_default())
        .collect();
    let without: Vec<&str> = pages::all()
        .filter(|code| !shown.contains(&format!("[{code}]")))
        .collect();
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn each_page_says_what_is_wrong_and_shows_both() {
    for code in pages::all() {
        let page = pages::page(code).expect("a page");
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        assert!((8..=32).contains(&page.lines().count()), "{code}");
        assert_eq!(page.matches("```").count(), 4, "{code}");
        assert!(page.contains("\n\nWrite instead:\n\n"), "{code}");
        let group = pages::GROUPS
            .iter()
            .any(|(two, _)| code.get(3..5) == Some(two));
        assert!(group, "{code} stands in no group");
    }
}

#[test]
fn the_index_names_every_page_with_its_title() {
    let mut wanted = String::new();
    for (group, about) in pages::GROUPS {
        let _ = write!(wanted, "\n## {about}\n\n");
        for code in pages::all().filter(|code| code.get(3..5) == Some(group)) {
            let title = pages::title(pages::page(code).expect("a page"));
            let _ = writeln!(wanted, "- [{code}]({code}.md): {title}");
        }
    }
    let index = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes/README.md");
    let index = fs::read_to_string(index).expect("the index");
    assert!(index.ends_with(&wanted), "it has to end with:\n{wanted}");
}
