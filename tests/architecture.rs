//! Guards the shape of the house: who may import whom, and what stays behind which door.
//!
//! The levels are read from `src/lib.rs`, so that the map and this test cannot disagree. Each fault
//! names the line and the sentence of `docs/architecture.md` that it breaks. `#[cfg(test)]` items
//! are exempt: tests may reach further than the code they test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const DOWNWARD: &str = "A module imports from lower levels, and in its own level from those that `src/lib.rs` names before it.";
const LISTED: &str = "Every module under `src/` stands in `src/lib.rs`, under its level.";
const MAP_ONLY: &str = "`src/lib.rs` is the map and holds no code.";
const PURE: &str =
    "Levels 0 to 2 do no IO: no tokio, no axum, no files, no network, no environment.";
const SHORT: &str = "No file under `src/` is longer than 500 lines.";
const NO_ALLOW: &str = "A lint is never allowed in passing: `#[expect(lint, reason = \"…\")]` says why and goes away when it no longer fires.";
const NO_TODO: &str = "What is not built is not stubbed: no `todo!`, no `unimplemented!`.";
const ONE_CODE: &str = "Every diagnostic code is defined once.";

const LONGEST: usize = 500;

/// Something that only some places may name.
struct Door {
    /// What is kept behind the door.
    what: What,
    /// Where it may be named: files, or folders that end in `/`.
    behind: &'static [&'static str],
    /// The sentence that says so.
    sentence: &'static str,
}

enum What {
    /// A path that begins with this crate.
    Crate(&'static str),
    /// A path that ends in these two segments. The `Instant` of tokio is for deadlines, stops with
    /// the time of a test, and stays allowed.
    Reads(&'static str),
    /// A word anywhere in the code.
    Word(&'static str),
}

const DOORS: &[Door] = &[
    Door {
        what: What::Crate("reqwest"),
        behind: &["src/web/"],
        sentence: "`reqwest` is named only in `web/`.",
    },
    Door {
        what: What::Crate("rusqlite"),
        behind: &["src/store/"],
        sentence: "`rusqlite` is named only in `store/`.",
    },
    Door {
        what: What::Crate("handlebars"),
        behind: &["src/template/"],
        sentence: "`handlebars` is named only in `template/`.",
    },
    Door {
        what: What::Crate("saphyr_parser"),
        behind: &["src/yaml/"],
        sentence: "`saphyr_parser` is named only in `yaml/`.",
    },
    Door {
        what: What::Crate("chrono"),
        behind: &["src/connector/schedule.rs"],
        sentence: "`cron` and `chrono` are named only in `connector/schedule.rs`.",
    },
    Door {
        what: What::Crate("cron"),
        behind: &["src/connector/schedule.rs"],
        sentence: "`cron` and `chrono` are named only in `connector/schedule.rs`.",
    },
    Door {
        what: What::Reads("SystemTime::now"),
        behind: &["src/clock.rs"],
        sentence: "The clock is read only in `clock.rs`.",
    },
    Door {
        what: What::Reads("Instant::now"),
        behind: &["src/clock.rs"],
        sentence: "The clock is read only in `clock.rs`.",
    },
    Door {
        what: What::Word("expose_secret"),
        behind: &["src/web/", "src/secret/"],
        sentence: "A secret is exposed only in `web/` and `secret/`.",
    },
];

/// Types of `std::net` that are values and reach nothing.
const ADDRESSES: &[&str] = &[
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
];

/// What levels 0 to 2 may not name.
const IMPURE: &[&str] = &["tokio", "axum", "std::fs", "std::net", "std::env"];

/// A module of `src/lib.rs`: its level, and its place in the reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rank {
    level: u32,
    place: usize,
}

type Levels = BTreeMap<String, Rank>;

struct SourceFile {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    line: usize,
    what: String,
    sentence: &'static str,
}

#[test]
fn the_house_keeps_its_rules() {
    let files = source_files();
    let map = files
        .iter()
        .find(|file| file.path == "src/lib.rs")
        .expect("src/lib.rs exists");
    let mut faults = map_faults(map);
    let levels = levels(&map.text);
    assert!(
        levels.values().any(|rank| rank.level == 5),
        "src/lib.rs lists its modules under `// Level N` comments"
    );
    for file in &files {
        faults.extend(file_faults(file, &levels));
    }
    faults.extend(code_faults(&files));
    let report: Vec<String> = faults
        .iter()
        .map(|fault| {
            format!(
                "{}:{}: {}\n    docs/architecture.md: {}",
                fault.path, fault.line, fault.what, fault.sentence
            )
        })
        .collect();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

#[test]
fn every_sentence_stands_in_the_architecture_document() {
    let document = fs::read_to_string(root().join("docs/architecture.md"))
        .expect("docs/architecture.md exists");
    let document = document.split_whitespace().collect::<Vec<_>>().join(" ");
    let doors = DOORS.iter().map(|door| door.sentence);
    for sentence in [
        DOWNWARD, LISTED, MAP_ONLY, PURE, SHORT, NO_ALLOW, NO_TODO, ONE_CODE,
    ]
    .into_iter()
    .chain(doors)
    {
        assert!(
            document.contains(sentence),
            "docs/architecture.md does not say: {sentence}"
        );
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn source_files() -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                files.push(SourceFile {
                    path: relative(&path),
                    text,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

/// Reads `// Level N` comments and the `mod` lines under them.
fn levels(map: &str) -> Levels {
    let mut level = None;
    let mut levels = Levels::new();
    for line in map.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("// Level ") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            level = digits.parse().ok();
        } else if let (Some(level), Some(name)) = (level, module_line(line)) {
            let place = levels.len();
            levels.insert(name.to_owned(), Rank { level, place });
        }
    }
    levels
}

fn module_line(line: &str) -> Option<&str> {
    line.strip_prefix("pub mod ")
        .or_else(|| line.strip_prefix("mod "))
        .and_then(|rest| rest.strip_suffix(';'))
}

fn map_faults(map: &SourceFile) -> Vec<Fault> {
    let code = without_comments_and_texts(&map.text);
    let is_map =
        |line: &str| line.is_empty() || line.starts_with("#![") || module_line(line).is_some();
    let lines = code.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !is_map(line))
        .map(|(index, line)| Fault {
            path: map.path.clone(),
            line: index + 1,
            what: format!("`{line}` is code"),
            sentence: MAP_ONLY,
        })
        .collect()
}

/// The module at the top of `src/` that a file belongs to; none for `lib.rs` and `main.rs`.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let module = inside
        .split_once('/')
        .map_or_else(|| inside.strip_suffix(".rs"), |(folder, _)| Some(folder))?;
    (!["lib", "main"].contains(&module)).then_some(module)
}

/// How many `super::` still stay inside the file's top module.
fn depth_of(path: &str) -> usize {
    let folders = path.matches('/').count().saturating_sub(1);
    folders.saturating_sub(usize::from(path.ends_with("/mod.rs")))
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn file_faults(file: &SourceFile, levels: &Levels) -> Vec<Fault> {
    let mut faults = Vec::new();
    let code = without_comments_and_texts(&file.text);
    let mut fault = |code: &str, at: usize, what: String, sentence| {
        faults.push(Fault {
            path: file.path.clone(),
            line: line_of(code, at),
            what,
            sentence,
        });
    };

    let lines = file.text.lines().count();
    if lines > LONGEST {
        fault(&code, 0, format!("{lines} lines"), SHORT);
    }
    for (at, _) in code.match_indices("[allow(") {
        fault(&code, at, "`#[allow(…)]`".to_owned(), NO_ALLOW);
    }
    for word in ["todo!", "unimplemented!"] {
        for at in words(&code, word) {
            fault(&code, at, format!("`{word}`"), NO_TODO);
        }
    }
    if is_test_file(&file.path) {
        return faults;
    }

    let code = without_tests(&code);
    let paths = paths(&code);
    let instant_is_of_tokio = paths.iter().any(|(_, path)| path == "tokio::time::Instant");
    let of_tokio = |path: &str| {
        path.starts_with("tokio::time::") || (instant_is_of_tokio && path == "Instant::now")
    };
    for door in DOORS {
        if door.behind.iter().any(|place| {
            file.path == *place || (place.ends_with('/') && file.path.starts_with(place))
        }) {
            continue;
        }
        let found: Vec<(usize, String)> = match door.what {
            What::Crate(name) => paths
                .iter()
                .filter(|(_, path)| begins(path, name) && path != name)
                .map(|(at, path)| (*at, path.clone()))
                .collect(),
            What::Reads(end) => paths
                .iter()
                .filter(|(_, path)| ends(path, end) && !of_tokio(path))
                .map(|(at, path)| (*at, path.clone()))
                .collect(),
            What::Word(word) => words(&code, word)
                .into_iter()
                .map(|at| (at, word.to_owned()))
                .collect(),
        };
        for (at, path) in found {
            fault(&code, at, format!("`{path}`"), door.sentence);
        }
    }

    let Some(module) = module_of(&file.path) else {
        return faults;
    };
    let Some(own) = levels.get(module) else {
        fault(&code, 0, format!("`{module}` is not in src/lib.rs"), LISTED);
        return faults;
    };
    for (at, path) in &paths {
        if own.level <= 2
            && let Some(impure) = IMPURE.iter().find(|impure| begins(path, impure))
            && !ADDRESSES.iter().any(|address| begins(path, address))
            && path != "tokio"
            && path != "axum"
        {
            fault(
                &code,
                *at,
                format!("`{path}` ({impure}) in level {}", own.level),
                PURE,
            );
        }
        let Some(target) = imported_module(path, depth_of(&file.path)) else {
            continue;
        };
        let allowed = match levels.get(target) {
            Some(rank) => {
                target == module
                    || rank.level < own.level
                    || (rank.level == own.level && rank.place < own.place)
            }
            // `super::x` may be an item of an inner module; `crate::x` must be a module.
            None => path.starts_with("super::"),
        };
        if !allowed {
            fault(
                &code,
                *at,
                format!("`{module}` imports `{target}` (`{path}`)"),
                DOWNWARD,
            );
        }
    }
    faults
}

/// The top module that a path names: after `crate::`, or after more `super::` than the file is deep.
fn imported_module(path: &str, depth: usize) -> Option<&str> {
    if let Some(rest) = path.strip_prefix("crate::") {
        return rest.split("::").next();
    }
    let mut rest = path;
    let mut ups = 0;
    while let Some(after) = rest.strip_prefix("super::") {
        rest = after;
        ups += 1;
    }
    (ups > depth).then(|| rest.split("::").next()).flatten()
}

fn begins(path: &str, with: &str) -> bool {
    path.strip_prefix(with)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn ends(path: &str, with: &str) -> bool {
    path.strip_suffix(with)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
}

/// Finds diagnostic codes that stand in more than one place.
fn code_faults(files: &[SourceFile]) -> Vec<Fault> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| !is_test_file(&file.path)) {
        let shape = without_tests(&without_comments_and_texts(&file.text));
        for at in words(&shape, "Code(\"") {
            let written = file.text.get(at + "Code(\"".len()..).unwrap_or_default();
            let code: String = written.chars().take_while(|c| *c != '"').collect();
            if !code.starts_with("AND") {
                continue;
            }
            let here = format!("{}:{}", file.path, line_of(&file.text, at));
            if let Some(before) = first.get(&code) {
                faults.push(Fault {
                    path: file.path.clone(),
                    line: line_of(&file.text, at),
                    what: format!("{code} is already defined at {before}"),
                    sentence: ONE_CODE,
                });
            } else {
                first.insert(code, here);
            }
        }
    }
    faults
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Blanks comments and the insides of texts and character literals; every byte keeps its place.
fn without_comments_and_texts(text: &str) -> String {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut out = bytes.to_vec();
    let mut blank = |from: usize, to: usize| {
        for byte in out.iter_mut().take(to).skip(from) {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    let mut index = 0;
    while index < bytes.len() {
        let from = index;
        match at(index) {
            b'/' if at(index + 1) == b'/' => {
                while index < bytes.len() && at(index) != b'\n' {
                    index += 1;
                }
                blank(from, index);
            }
            b'/' if at(index + 1) == b'*' => {
                let mut open = 0_usize;
                while index < bytes.len() {
                    match (at(index), at(index + 1)) {
                        (b'/', b'*') => {
                            open += 1;
                            index += 2;
                        }
                        (b'*', b'/') => {
                            open -= 1;
                            index += 2;
                        }
                        _ => index += 1,
                    }
                    if open == 0 {
                        break;
                    }
                }
                blank(from, index);
            }
            b'r' if !is_name(at(index.wrapping_sub(1))) || at(index.wrapping_sub(1)) == b'b' => {
                let mut hashes = 0;
                while at(index + 1 + hashes) == b'#' {
                    hashes += 1;
                }
                index += 1;
                if at(index + hashes) == b'"' {
                    let end = format!("\"{}", "#".repeat(hashes));
                    let inside = index + hashes + 1;
                    let length = text
                        .get(inside..)
                        .and_then(|rest| rest.find(&end))
                        .unwrap_or(bytes.len() - inside);
                    blank(inside, inside + length);
                    index = (inside + length + end.len()).min(bytes.len());
                }
            }
            b'"' => {
                index += 1;
                while index < bytes.len() && at(index) != b'"' {
                    index += if at(index) == b'\\' { 2 } else { 1 };
                }
                blank(from + 1, index);
                index += 1;
            }
            b'\'' => {
                // A character literal, or a lifetime, which has no closing quote.
                let width = match at(index + 1) {
                    b'\\' => text
                        .get(index + 3..)
                        .and_then(|rest| rest.find('\''))
                        .map(|length| length + 2),
                    _ => text.get(index + 1..).and_then(|rest| {
                        let width = rest.chars().next()?.len_utf8();
                        rest.get(width..)?.starts_with('\'').then_some(width)
                    }),
                };
                if let Some(width) = width {
                    blank(index + 1, index + 1 + width);
                    index += width + 2;
                } else {
                    index += 1;
                }
            }
            _ => index += 1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Blanks every item under `#[cfg(test)]`. Wants text without comments and texts.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(from) = out.find(MARK) {
        let mut open = 0_usize;
        let mut end = out.len();
        for (offset, byte) in out.bytes().enumerate().skip(from + MARK.len()) {
            match byte {
                b'{' => open += 1,
                b'}' => open = open.saturating_sub(1),
                b';' => {}
                _ => continue,
            }
            if open == 0 {
                end = offset + 1;
                break;
            }
        }
        let blank: String = out
            .bytes()
            .take(end)
            .skip(from)
            .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(from..end, &blank);
    }
    out
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where `word` stands with no name character before it, nor after it when it ends in one.
fn words(code: &str, word: &str) -> Vec<usize> {
    let bytes = code.as_bytes();
    let name_at = |index: usize| bytes.get(index).copied().is_some_and(is_name);
    let ends_in_name = word.bytes().last().is_some_and(is_name);
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || !name_at(at - 1))
        .filter(|at| !ends_in_name || !name_at(at + word.len()))
        .collect()
}

/// Every path of the code, with the trees of `use` written out: `use a::{b, c::d}` is `a::b` and
/// `a::c::d`. Wants text without comments and texts.
fn paths(code: &str) -> Vec<(usize, String)> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut index = 0;
    while index < bytes.len() {
        let byte = bytes.get(index).copied().unwrap_or(0);
        if !is_name(byte) {
            index += 1;
            continue;
        }
        let before = code.get(..index).unwrap_or_default().trim_end();
        let continues = before.ends_with('.')
            || before.strip_suffix("::").is_some_and(|rest| {
                rest.ends_with(|c: char| c.is_alphanumeric() || "_>)".contains(c))
            });
        if continues {
            while bytes.get(index).copied().is_some_and(is_name) {
                index += 1;
            }
        } else {
            index = path_from(code, index, "", &mut found);
        }
    }
    found
}

/// Reads one path that begins at `index`; gives where it ends.
fn path_from(code: &str, index: usize, prefix: &str, found: &mut Vec<(usize, String)>) -> usize {
    let bytes = code.as_bytes();
    let mut path = prefix.to_owned();
    let mut at = index;
    loop {
        let begin = at;
        while bytes.get(at).copied().is_some_and(is_name) {
            at += 1;
        }
        path.push_str(code.get(begin..at).unwrap_or_default());
        let rest = code.get(at..).unwrap_or_default();
        let Some(after) = rest.strip_prefix("::") else {
            break;
        };
        let next = code.len() - after.trim_start().len();
        match bytes.get(next).copied() {
            Some(b'{') => {
                path.push_str("::");
                return tree_from(code, next + 1, &path, found);
            }
            Some(byte) if is_name(byte) => {
                path.push_str("::");
                at = next;
            }
            _ => break,
        }
    }
    found.push((index, path));
    at
}

/// Reads the inside of `{…}` in a `use`; gives where it ends.
fn tree_from(code: &str, index: usize, prefix: &str, found: &mut Vec<(usize, String)>) -> usize {
    let mut at = index;
    while let Some(byte) = code.as_bytes().get(at).copied() {
        match byte {
            b'}' => return at + 1,
            _ if is_name(byte) => {
                at = path_from(code, at, prefix, found);
                // What follows is `as name`, a comma or the end.
                while code
                    .as_bytes()
                    .get(at)
                    .is_some_and(|byte| !b",}".contains(byte))
                {
                    at += 1;
                }
            }
            _ => at += 1,
        }
    }
    at
}

mod the_checker {
    use super::*;

    const MAP: &str = "//! Doc.\n// Level 0: words.\npub mod id;\npub mod clock;\n\n// Level 1: languages.\npub mod yaml;\n\n// Level 3: effects.\npub mod web;\n// Level 4: jobs.\npub mod intake;\n";

    fn faults(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let file = SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        file_faults(&file, &levels(MAP))
            .into_iter()
            .map(|fault| (fault.line, fault.sentence))
            .collect()
    }

    fn door(word: &str) -> &'static str {
        DOORS
            .iter()
            .find(|door| match door.what {
                What::Crate(name) | What::Reads(name) | What::Word(name) => name == word,
            })
            .map_or("no such door", |door| door.sentence)
    }

    #[test]
    fn the_levels_come_from_the_map() {
        let levels = levels(MAP);
        assert_eq!(levels.get("clock"), Some(&Rank { level: 0, place: 1 }));
        assert_eq!(levels.get("intake"), Some(&Rank { level: 4, place: 4 }));
    }

    #[test]
    fn an_import_that_goes_up_is_a_fault_and_one_that_goes_down_is_none() {
        for (path, text, lines) in [
            ("src/yaml/node.rs", "use crate::id::Id;", vec![]),
            ("src/yaml/node.rs", "use crate::yaml::Node;", vec![]),
            ("src/yaml/node.rs", "\nuse crate::web::Client;", vec![2]),
            (
                "src/yaml/node.rs",
                "use crate::{id::Id,\n  web::{Client, Auth}};",
                vec![2, 2],
            ),
            (
                "src/yaml/node.rs",
                "fn f(c: &crate::web::Client) {}",
                vec![1],
            ),
            (
                "src/yaml/node.rs",
                "use super::super::web::Client;",
                vec![1],
            ),
            ("src/yaml/node.rs", "use super::web;", vec![]),
            ("src/yaml/mod.rs", "use super::web::Client;", vec![1]),
            ("src/id.rs", "use crate::clock::Clock;", vec![1]),
            ("src/clock.rs", "use crate::id::Id;", vec![]),
            ("src/clock.rs", "use crate::nowhere::Id;", vec![1]),
            (
                "src/clock.rs",
                "// use crate::web::Client;\n/* crate::web::x */",
                vec![],
            ),
            ("src/clock.rs", "const A: &str = \"crate::web::x\";", vec![]),
            (
                "src/clock.rs",
                "const A: &str = r#\"\"crate::web::x\"#;",
                vec![],
            ),
            (
                "src/clock.rs",
                "fn f<'a>(x: &'a str) { x.split('\"'); crate::web::y(); }",
                vec![1],
            ),
            (
                "src/clock.rs",
                "#[cfg(test)]\nmod tests { use crate::web::Client; fn f() {} }",
                vec![],
            ),
            (
                "src/clock.rs",
                "#[cfg(test)]\nmod tests { }\nuse crate::web::Client;",
                vec![3],
            ),
            (
                "src/clock.rs",
                "#[cfg(test)]\nuse crate::web::Client;\nuse crate::web::C;",
                vec![3],
            ),
        ] {
            let wanted: Vec<_> = lines.into_iter().map(|line| (line, DOWNWARD)).collect();
            assert_eq!(faults(path, text), wanted, "{path}: {text}");
        }
    }

    #[test]
    fn each_door_is_locked_outside_and_open_inside() {
        for (inside, outside, text, word) in [
            (
                "src/web/a.rs",
                "src/intake/a.rs",
                "use reqwest::Client;",
                "reqwest",
            ),
            (
                "src/store/a.rs",
                "src/web/a.rs",
                "let c: rusqlite::Connection;",
                "rusqlite",
            ),
            (
                "src/template/a.rs",
                "src/web/a.rs",
                "use handlebars::{Handlebars as H};",
                "handlebars",
            ),
            (
                "src/yaml/a.rs",
                "src/id.rs",
                "use saphyr_parser::Parser;",
                "saphyr_parser",
            ),
            (
                "src/connector/schedule.rs",
                "src/intake/poll.rs",
                "use cron::Schedule;",
                "cron",
            ),
            (
                "src/connector/schedule.rs",
                "src/intake/poll.rs",
                "use ::chrono::Utc;",
                "chrono",
            ),
            (
                "src/clock.rs",
                "src/intake/poll.rs",
                "let a = std::time::SystemTime::now();",
                "SystemTime::now",
            ),
            (
                "src/clock.rs",
                "src/intake/poll.rs",
                "let a = Instant::now();",
                "Instant::now",
            ),
            (
                "src/secret/a.rs",
                "src/intake/poll.rs",
                "token.expose_secret()",
                "expose_secret",
            ),
        ] {
            assert!(
                faults(outside, text).contains(&(1, door(word))),
                "{outside}: {text}"
            );
            assert!(
                !faults(inside, text)
                    .iter()
                    .any(|(_, sentence)| *sentence == door(word)),
                "{inside}: {text}"
            );
        }
    }

    #[test]
    fn words_that_only_look_alike_pass() {
        for text in [
            "let cron = 1;",
            "use crate::id::cron::X;",
            "let at = tokio::time::Instant::now();",
            "use tokio::time::{Instant, sleep};\nfn f() { Instant::now(); }",
            "fn not_expose_secret() {}",
            "// reqwest::Client",
        ] {
            assert_eq!(faults("src/intake/poll.rs", text), vec![], "{text}");
        }
    }

    #[test]
    fn the_pure_levels_do_no_io() {
        for text in [
            "use tokio::sync::mpsc;",
            "use std::{fmt, fs};",
            "std::env::var(\"A\")",
            "use std::net::{IpAddr, TcpStream};",
            "use axum::Router;",
        ] {
            assert_eq!(faults("src/yaml/a.rs", text), vec![(1, PURE)], "{text}");
            assert_eq!(faults("src/web/a.rs", text), vec![], "{text}");
        }
    }

    #[test]
    fn an_address_is_a_value() {
        let text =
            "use std::net::{IpAddr, SocketAddr};\nfn f() { std::net::IpAddr::from([0; 4]); }";
        assert_eq!(faults("src/yaml/a.rs", text), vec![]);
    }

    #[test]
    fn long_files_allows_and_stubs_are_faults() {
        let long = "\n".repeat(LONGEST + 1);
        assert_eq!(faults("src/id.rs", &long), vec![(1, SHORT)]);
        assert_eq!(faults("src/id.rs", &"\n".repeat(LONGEST)), vec![]);
        assert_eq!(
            faults("src/id.rs", "\n#[allow(dead_code)]"),
            vec![(2, NO_ALLOW)]
        );
        assert_eq!(
            faults("src/main.rs", "#![allow(dead_code)]"),
            vec![(1, NO_ALLOW)]
        );
        assert_eq!(faults("src/id.rs", "todo!()"), vec![(1, NO_TODO)]);
        assert_eq!(faults("src/id.rs", "unimplemented!()"), vec![(1, NO_TODO)]);
    }

    #[test]
    fn a_module_outside_the_map_is_a_fault() {
        assert_eq!(faults("src/util/mod.rs", ""), vec![(1, LISTED)]);
    }

    #[test]
    fn code_in_the_map_is_a_fault() {
        let map = SourceFile {
            path: "src/lib.rs".to_owned(),
            text: format!("{MAP}pub use id::Id;\n"),
        };
        let found: Vec<_> = map_faults(&map).iter().map(|fault| fault.line).collect();
        assert_eq!(found, vec![13]);
    }

    #[test]
    fn a_code_defined_twice_is_a_fault() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let files = [
            file("src/id.rs", "pub const A: Code = Code(\"AND0101\");"),
            file(
                "src/web.rs",
                "// Code(\"AND0101\")\nconst B: Code = Code(\"AND0102\");",
            ),
            file("src/yaml.rs", "\nconst C: Code = Code(\"AND0101\");"),
            file(
                "src/x.rs",
                "#[cfg(test)]\nmod tests { const C: Code = Code(\"AND0102\"); }",
            ),
        ];
        let found = code_faults(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found
                .first()
                .map(|fault| (fault.path.as_str(), fault.line, fault.what.as_str())),
            Some((
                "src/yaml.rs",
                2,
                "AND0101 is already defined at src/id.rs:1"
            ))
        );
    }
}
