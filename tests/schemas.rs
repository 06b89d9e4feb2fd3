//! The descriptions of the file formats, held to what Andon really reads: the committed schemas and the
//! reference are what the program writes, every sound file is valid under them, every file with a fault
//! of its shape is not, and each map has the keys that its reader knows.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read its own files stops, and says why"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use andon::catalog::{Files, load};
use andon::diag::{Faults, Format as Rendered, Source, render};
use andon::formats::{FORMATS, Format, Is, Map, json_schema, pages};
use andon::yaml::{self, Node};
use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn schemas() -> BTreeMap<&'static str, jsonschema::Validator> {
    let compiled = FORMATS.iter().map(|format| {
        let schema = jsonschema::validator_for(&json_schema(format));
        (format.head, schema.expect("a schema"))
    });
    compiled.collect()
}

/// The files below a folder that are written in the formats, by path.
fn yaml_files(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
}

/// Files that are sound: what is built in, what the packages bring, and those made for this test.
fn sound_files() -> Vec<PathBuf> {
    let mut files = vec![
        root().join("kinds.yaml"),
        root().join("tests/faults/andon.yaml"),
    ];
    for folder in ["connectors", "mappings", "packaging", "tests/data/formats"] {
        yaml_files(&root().join(folder), &mut files);
    }
    files.retain(|path| {
        fs::read_to_string(path)
            .is_ok_and(|text| text.contains("\nandon: ") || text.starts_with("andon: "))
    });
    files
}

fn node(path: &Path, text: &str) -> Option<Node> {
    yaml::parse(
        &Source::new(path.display().to_string(), text),
        &mut Faults::new(),
    )
}

fn faults_of(schema: &jsonschema::Validator, json: &Json) -> Vec<String> {
    schema
        .iter_errors(json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_committed_schemas_are_what_the_program_writes() {
    for format in &FORMATS {
        let path = root().join("schemas").join(format.schema_file());
        let wanted = format!("{:#}\n", json_schema(format));
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == wanted,
            "{} is out of date: run `cargo run -- schema --write schemas`",
            path.display()
        );
    }
    let files = fs::read_dir(root().join("schemas"))
        .expect("the schemas")
        .count();
    assert_eq!(files, FORMATS.len());
}

#[test]
fn the_committed_reference_is_what_the_program_writes() {
    let folder = root().join("docs/reference");
    let pages = pages();
    for (name, text) in &pages {
        assert!(
            fs::read_to_string(folder.join(name)).unwrap_or_default() == *text,
            "{name} is out of date: run `cargo run -- schema --markdown docs/reference`"
        );
    }
    assert_eq!(
        fs::read_dir(&folder).expect("the reference").count(),
        pages.len()
    );
}

#[test]
fn the_schemas_are_schemas() {
    for format in &FORMATS {
        let schema = json_schema(format);
        assert!(jsonschema::meta::is_valid(&schema), "{}", format.name);
    }
}

#[test]
fn every_sound_file_is_valid_under_its_schema() {
    let schemas = schemas();
    let mut wrong = Vec::new();
    let files = sound_files();
    assert!(files.len() >= 35, "{} files", files.len());
    for path in files {
        let text = fs::read_to_string(&path).expect("text");
        let node = node(&path, &text).expect("a file that can be read");
        let Some(format) = Format::of(&node) else {
            continue;
        };
        for fault in faults_of(&schemas[format.head], &node.to_json()) {
            wrong.push(format!("{}: {fault}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Faults of a file's shape: an unknown key, a missing one, a value of another type, another head, an
/// unknown word.
const OF_SHAPE: [&str; 5] = ["AND0111", "AND0112", "AND0113", "AND0124", "AND0126"];

/// Such faults that a schema cannot see, and why.
const BEYOND_A_SCHEMA: [(&str, &str); 2] = [
    (
        "yaml-first-key-is-not-the-kind",
        "keys have no order in JSON",
    ),
    ("config-setting-misspelt", "settings are the connector's"),
];

#[test]
fn every_file_whose_shape_is_faulty_is_invalid_under_its_schema() {
    let schemas = schemas();
    let mut missed = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(root().join("tests/faults")).expect("the faults") {
        let folder = entry.expect("an entry").path();
        let Ok(said) = fs::read_to_string(folder.join("expected.txt")) else {
            continue;
        };
        if !OF_SHAPE
            .iter()
            .any(|code| said.contains(&format!("error[{code}]")))
        {
            continue;
        }
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let file = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("--> ")?.split(':').next())
            .expect("a place");
        let path = folder.join(file);
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let Some(node) = node(&path, &text) else {
            continue;
        };
        seen += 1;
        let format = Format::of(&node).or_else(|| {
            FORMATS
                .iter()
                .find(|format| format.lies.split('/').next() == file.split('/').next())
        });
        let is_valid = format.is_some_and(|format| schemas[format.head].is_valid(&node.to_json()));
        let is_known = BEYOND_A_SCHEMA.iter().any(|(known, _)| *known == name);
        if is_valid != is_known {
            missed.push(name);
        }
    }
    assert!(seen >= 25, "{seen} faults of shape");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_example_is_valid_where_it_stands() {
    let mut wrong = Vec::new();
    for format in &FORMATS {
        let schema = json_schema(format);
        let mut maps = Vec::new();
        Is::Map(format.map).maps(&mut maps);
        for map in maps {
            let of_map = if map.name == format.map.name {
                &schema
            } else {
                &schema["$defs"][map.name]
            };
            for key in map.keys() {
                let mut of_key = of_map["properties"][key.name].clone();
                assert!(
                    !key.about.is_empty() && key.about.ends_with('.'),
                    "{}.{}",
                    map.name,
                    key.name
                );
                let example = of_key["examples"][0].clone();
                assert_eq!(
                    example.is_null(),
                    key.example.is_none(),
                    "{}.{}",
                    map.name,
                    key.name
                );
                of_key["$defs"] = schema["$defs"].clone();
                let compiled = jsonschema::validator_for(&of_key).expect("a schema");
                if !example.is_null() {
                    for fault in faults_of(&compiled, &example) {
                        wrong.push(format!(
                            "{}.{} such as {example}: {fault}",
                            map.name, key.name
                        ));
                    }
                }
                if let Some(default) = of_key.get("default") {
                    for fault in faults_of(&compiled, default) {
                        wrong.push(format!(
                            "{}.{} without {default}: {fault}",
                            map.name, key.name
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys that a reader takes out of a map before it looks at the others, so that its own list lacks them.
const TAKEN_OUT: [(&str, &[&str]); 2] = [("look_up", &["at", "keep"]), ("behaviour", &["share"])];

/// Stands for a key that nobody knows and that is like none.
const UNLIKE_ANY: &str = "zzzzqqqqzzzzqqqq";

/// The places of maps in a file, each with its description.
fn places(node: &Node, is: &Is, found: &mut Vec<(&'static Map, usize)>) {
    match *is {
        Is::Map(map) => {
            let Some(entries) = node.as_map() else { return };
            if !entries
                .iter()
                .all(|entry| map.others.is_some() || map.key(&entry.key).is_some())
            {
                return;
            }
            if let Some(last) = entries.last() {
                found.push((map, last.key_span.start));
            }
            for entry in entries {
                let held = map.key(&entry.key).map(|key| &key.is);
                if let Some(is) = held.or(map.others) {
                    places(&entry.value, is, found);
                }
            }
        }
        Is::Named(_, is) => {
            for entry in node.as_map().unwrap_or_default() {
                places(&entry.value, is, found);
            }
        }
        Is::List(is) => {
            for item in node.as_list().unwrap_or_default() {
                places(item, is, found);
            }
        }
        Is::Either(all) => {
            for is in all {
                places(node, is, found);
            }
        }
        _ => {}
    }
}

/// What the readers say that the keys of a map are, when one stands in it that they do not know.
fn known_to_readers(folder: &Path, file: &str, text: &str, at: usize) -> Option<BTreeSet<String>> {
    let line = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let column = at - line;
    let in_braces = text[line..at].contains('{');
    let key = if in_braces {
        format!("{UNLIKE_ANY}: 1, ")
    } else {
        format!("{UNLIKE_ANY}: 1\n{}", " ".repeat(column))
    };
    let changed = format!("{}{key}{}", &text[..at], &text[at..]);
    let mut over = Files::new();
    let mut all = Vec::new();
    every_file(folder, folder, &mut all);
    for (name, bytes) in all {
        over.put(&name, &name, &bytes);
    }
    let mut config = fs::read_to_string(folder.join("andon.yaml")).expect("andon.yaml");
    if file == "andon.yaml" {
        config = changed;
    } else {
        over.put(file, file, changed.as_bytes());
    }
    let mut files = Files::built_in();
    files.overlay(over);
    let mut faults = Faults::new();
    let _ = load(&files, &Source::new("andon.yaml", config), &mut faults);
    faults.into_sorted().into_iter().find_map(|fault| {
        let named = fault.code.0 == "AND0111" && fault.message.contains(UNLIKE_ANY);
        let help = fault.help.filter(|_| named)?;
        let keys = help.strip_prefix("its keys are ")?;
        Some(keys.split(", ").map(str::to_owned).collect())
    })
}

fn every_file(folder: &Path, below: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            every_file(folder, &path, found);
        } else if !path.ends_with("andon.yaml") {
            let name = path
                .strip_prefix(folder)
                .expect("below")
                .to_string_lossy()
                .into_owned();
            found.push((name, fs::read(&path).expect("a file")));
        }
    }
}

#[test]
fn each_map_has_the_keys_that_its_reader_knows() {
    let folder = root().join("tests/data/formats");
    let mut read: BTreeSet<&'static str> = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in [
        "andon.yaml",
        "kinds.yaml",
        "mappings/everything.yaml",
        "connectors/everything/connector.yaml",
        "connectors/filed/connector.yaml",
        "connectors/signed/connector.yaml",
    ] {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).expect("text");
        let node = node(&path, &text).expect("a sound file");
        let format = Format::of(&node).expect("a format");
        let mut found = Vec::new();
        places(&node, &Is::Map(format.map), &mut found);
        for (map, at) in found {
            if !read.insert(map.name) {
                continue;
            }
            let described: BTreeSet<String> = map
                .keys()
                .map(|key| key.name)
                .filter(|key| {
                    !TAKEN_OUT
                        .iter()
                        .any(|(name, keys)| *name == map.name && keys.contains(key))
                })
                .map(str::to_owned)
                .collect();
            match known_to_readers(&folder, file, &text, at) {
                Some(mut known) => {
                    // The settings of the connector stand beside a connection's own keys.
                    if map.name == "connection" {
                        known.retain(|key| {
                            !["url", "callers_url", "folder", "token", "client"]
                                .contains(&key.as_str())
                        });
                    }
                    for (_, keys) in TAKEN_OUT.iter().filter(|(name, _)| *name == map.name) {
                        known.retain(|key| !keys.contains(&key.as_str()));
                    }
                    if known != described {
                        wrong.push(format!(
                            "{}: read {known:?}, described {described:?}",
                            map.name
                        ));
                    }
                }
                None if map.others.is_some() || NOT_BY_KEYS.contains(&map.name) => {}
                None => wrong.push(format!(
                    "{}: nobody refuses a key that is not known",
                    map.name
                )),
            }
        }
    }
    let mut all = Vec::new();
    for format in &FORMATS {
        Is::Map(format.map).maps(&mut all);
    }
    for map in all {
        if !read.contains(map.name) {
            wrong.push(format!(
                "{}: stands in no file of tests/data/formats",
                map.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Maps that are told by their keys, so that one with another key is something else.
const NOT_BY_KEYS: [&str; 2] = ["secret", "share"];

#[test]
fn the_file_with_every_key_is_sound() {
    let folder = root().join("tests/data/formats");
    let mut found = Vec::new();
    every_file(&folder, &folder, &mut found);
    let mut over = Files::new();
    for (name, bytes) in found {
        over.put(&name, &name, &bytes);
    }
    let mut files = Files::built_in();
    files.overlay(over);
    let config = fs::read_to_string(folder.join("andon.yaml")).expect("andon.yaml");
    let mut faults = Faults::new();
    let catalog = load(&files, &Source::new("andon.yaml", config), &mut faults);
    let said = render(&faults.into_sorted(), Rendered::Text { color: false });
    assert!(catalog.is_some(), "{said}");
}

#[test]
fn every_sound_file_is_in_order() {
    for path in sound_files() {
        let text = fs::read_to_string(&path).expect("text");
        let source = Source::new(path.display().to_string(), text);
        if let Ok(formatted) = andon::formats::format(&source) {
            assert_eq!(formatted, source.text, "run `andon fmt {}`", path.display());
        }
    }
}

fn andon(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(words)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"))
}

#[test]
fn the_command_line_writes_a_schema_and_puts_files_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, said) = andon(folder.path(), &["schema", "kinds"]);
    assert_eq!(code, Some(0));
    let written: Json = serde_json::from_str(&said).expect("JSON");
    assert_eq!(written["title"], "Andon: kinds/v1");
    let (code, said) = andon(folder.path(), &["schema", "mappings"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("there are mapping, connector, andon, kinds"),
        "{said}"
    );

    let file = folder.path().join("andon.yaml");
    fs::write(
        &file,
        "andon: config/v1\nstore: x.db # here\nlisten: 127.0.0.1:1\n",
    )
    .expect("written");
    let (code, said) = andon(folder.path(), &["fmt", "--check"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("+listen: 127.0.0.1:1"), "{said}");
    assert!(said.contains("1 file: 1 would be changed"), "{said}");
    let (code, said) = andon(folder.path(), &["fmt"]);
    assert_eq!(code, Some(0), "{said}");
    let text = fs::read_to_string(&file).expect("text");
    assert_eq!(
        text,
        "andon: config/v1\nlisten: 127.0.0.1:1\nstore: x.db # here\n"
    );
    assert_eq!(
        andon(folder.path(), &["fmt", "--check"]),
        (Some(0), "1 file: in order\n".to_owned())
    );

    fs::write(&file, "andon: config/v1\nstore: [x.db\n").expect("written");
    let (code, said) = andon(folder.path(), &["fmt"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("left as it is: it cannot be read as YAML"),
        "{said}"
    );
}
