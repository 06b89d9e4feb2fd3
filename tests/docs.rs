//! What the guides show is true: their files are written, their commands run with the real program, and what
//! it says is what they show; their expressions and templates are evaluated.
//!
//! How a guide marks what is run, in the line that opens a block:
//! - `yaml file=andon.yaml`: the block is that file; `diff edit=andon.yaml`: its `-` lines stand there, and
//!   its `+` lines take their place.
//! - `console run`: each `$ command` is run in the guide's own folder, and the lines below it are what it
//!   says. A line `…` stands for any lines, `…` in a line for any text. `$ andon run &` is stopped at the end.
//! - `json data`: what the tables `| Expression | Gives |` and `| Template | Gives |` below it are about.
//!
//! Port 7373 stands for one that is free. A command that only looks is run again until it says what is shown.
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

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use andon::diag::{Faults, Fragment};
use andon::expr::{Expr, Names, Scope, Type, Value as Given};
use andon::template::Template;
use serde_json::{Map, Value};
use support::{Outcome, free_port};

/// Longer than anything takes here; a test that waits for this has failed.
const WITHIN: Duration = Duration::from_secs(60);
/// Commands that change nothing, so that they may be run again until what they look at is there.
const LOOKS: [&str; 10] = [
    "cat ",
    "andon alerts",
    "andon destinations",
    "andon connections",
    "andon status",
    "andon stuck",
    "andon replay",
    "andon shadow",
    "andon explain",
    "andon reload",
];

/// A fenced block: what stands behind its fence, its lines, and where it begins.
struct Block {
    info: String,
    text: String,
    line: usize,
}

fn guide(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(&path).expect("the guide is there")
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    line: index + 1,
                });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A guide as it is played: its folder, and what runs there.
struct Play {
    folder: tempfile::TempDir,
    port: u16,
    running: Vec<Child>,
}

impl Drop for Play {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Play {
    fn new() -> Outcome<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            port: free_port()?,
            running: Vec::new(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// With the port that is free in the place of the one that guides speak of.
    fn here(&self, text: &str) -> String {
        text.replace("127.0.0.1:7373", &format!("127.0.0.1:{}", self.port))
    }

    fn there(&self, text: &str) -> String {
        text.replace(&format!("127.0.0.1:{}", self.port), "127.0.0.1:7373")
    }

    fn file(&self, name: &str, text: &str) -> Outcome<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        Ok(fs::write(path, self.here(text))?)
    }

    fn edit(&self, name: &str, change: &str) -> Outcome<()> {
        let before = fs::read_to_string(self.path(name))?;
        let of = |sign: char| -> String {
            let lines = change.lines().filter_map(|line| line.strip_prefix(sign));
            lines.flat_map(|line| [line, "\n"]).collect()
        };
        let (old, new) = (self.here(&of('-')), self.here(&of('+')));
        assert_eq!(
            before.matches(&old).count(),
            1,
            "{name} has no\n{old}{before}"
        );
        Ok(fs::write(self.path(name), before.replace(&old, &new))?)
    }

    fn shell(&self, command: &str) -> Outcome<Command> {
        let program = Path::new(env!("CARGO_BIN_EXE_andon"));
        let program = program.parent().ok_or("no folder")?;
        let path = std::env::var("PATH")?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &self.here(command)])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", program.display()))
            .env("NO_COLOR", "1");
        Ok(shell)
    }

    fn start(&mut self, command: &str) -> Outcome<()> {
        let log = fs::File::create(self.path("andon.log"))?;
        let child = self
            .shell(&format!("exec {command}"))?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.running.push(child);
        let begun = Instant::now();
        while !self
            .shell("andon status --ready")?
            .output()?
            .status
            .success()
        {
            if begun.elapsed() > WITHIN {
                return Err(fs::read_to_string(self.path("andon.log"))?.into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn say(&self, command: &str) -> Outcome<String> {
        let output = self.shell(command)?.stdin(Stdio::null()).output()?;
        let mut said = String::from_utf8(output.stdout)?;
        said.push_str(&String::from_utf8(output.stderr)?);
        Ok(self.there(&said))
    }

    /// Runs a command until it says what is shown, where it may be run again.
    fn run(&mut self, command: &str, shown: &[&str], place: &str) -> Outcome<()> {
        if let Some(command) = command.strip_suffix(" &") {
            return self.start(command);
        }
        let again = LOOKS.iter().any(|looks| command.starts_with(looks));
        let begun = Instant::now();
        loop {
            let said = self.say(command)?;
            let lines: Vec<&str> = said.trim_end().lines().collect();
            if fits(shown, &lines) {
                return Ok(());
            }
            if !again || begun.elapsed() > WITHIN {
                return Err(format!(
                    "{place}: $ {command}\nshown:\n{}\nsaid:\n{said}",
                    shown.join("\n")
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Whether lines are what is shown, where `…` stands for anything.
fn fits(shown: &[&str], said: &[&str]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((&"…", rest)) => (0..=said.len()).any(|skip| fits(rest, &said[skip..])),
        Some((first, rest)) => match said.split_first() {
            Some((line, others)) => fits_line(first, line) && fits(rest, others),
            None => false,
        },
    }
}

fn fits_line(shown: &str, said: &str) -> bool {
    let parts: Vec<&str> = shown.trim_end().split('…').collect();
    let Some((first, parts)) = parts.split_first() else {
        return said.is_empty();
    };
    let Some(mut rest) = said.trim_end().strip_prefix(first) else {
        return false;
    };
    for (index, part) in parts.iter().enumerate() {
        if index + 1 == parts.len() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

/// Plays a guide from its beginning to its end; gives how many commands were run.
fn play(name: &str) -> Outcome<usize> {
    let text = guide(name);
    let mut play = Play::new()?;
    let mut count = 0;
    for block in blocks(&text) {
        let place = format!("docs/{name}:{}", block.line);
        let mut words = block.info.split(' ');
        let marks: Vec<&str> = words.by_ref().skip(1).collect();
        for mark in marks {
            if let Some(file) = mark.strip_prefix("file=") {
                play.file(file, &block.text)?;
            } else if let Some(file) = mark.strip_prefix("edit=") {
                play.edit(file, &block.text)?;
            } else if mark == "run" {
                let mut lines = block.text.lines().peekable();
                while let Some(line) = lines.next() {
                    let command = line.strip_prefix("$ ").ok_or(format!("{place}: {line}"))?;
                    let mut shown = Vec::new();
                    while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                        shown.push(line);
                    }
                    play.run(command, &shown, &place)?;
                    count += 1;
                }
            } else if mark != "data" {
                return Err(format!("{place}: `{mark}` is no mark").into());
            }
        }
    }
    Ok(count)
}

/// The rows of the tables whose first column is `head`, each with the data that stand above it.
fn rows(name: &str, head: &str) -> Vec<(String, String, Value)> {
    let text = guide(name);
    let blocks = blocks(&text);
    let header = format!("| {head} | Gives |");
    let mut rows = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with(&header) {
            inside = true;
            continue;
        }
        inside = inside && line.starts_with('|');
        if !inside || line.starts_with("|---") {
            continue;
        }
        let line = line.replace("\\|", "\u{1}");
        let cell = |at: usize| {
            let cell = line.split('|').nth(at).unwrap_or_default().trim();
            cell.trim_matches('`').replace('\u{1}', "|")
        };
        let data = blocks
            .iter()
            .rfind(|block| block.info == "json data" && block.line < index)
            .map(|block| serde_json::from_str(&block.text).expect("JSON"));
        rows.push((cell(1), cell(2), data.unwrap_or(Value::Null)));
    }
    rows
}

fn evaluated(text: &str, data: &Value) -> String {
    let none = Map::new();
    let data = data.as_object().unwrap_or(&none);
    let mut names = Names::new();
    for name in data.keys() {
        let of = if name == "now" { Type::Time } else { Type::Any };
        names = names.with(name, of);
    }
    let mut faults = Faults::new();
    let expr = Expr::compile(&Fragment::whole("x", text), &names, &mut faults);
    let Some(expr) = expr else {
        let said = faults.into_sorted();
        return format!("refused: {}", said[0].message);
    };
    let mut scope = Scope::new(&names);
    for (name, value) in data {
        let value = match value.as_str().filter(|_| name == "now") {
            Some(time) => Given::Time(time.parse().expect("a time")),
            None => Given::from_json(value),
        };
        scope.set(names.find(name).expect("a name").0, value);
    }
    match expr.eval(&scope) {
        Err(error) => format!("error: {error}"),
        Ok(value) => value
            .to_json()
            .map_or("absent".to_owned(), |json| json.to_string()),
    }
}

/// A fault is shown by its sort; the sentence may change.
fn is_fault(wanted: &str, got: &str) -> bool {
    ["refused: …", "error: …"].contains(&wanted) && fits_line(wanted, got)
}

#[test]
fn each_expression_gives_what_its_guide_says() {
    let rows = rows("expressions.md", "Expression");
    assert!(rows.len() >= 50, "{}", rows.len());
    let mut wrong = Vec::new();
    for (text, wanted, data) in rows {
        let got = evaluated(&text, &data);
        let same = match serde_json::from_str::<Value>(&wanted) {
            Ok(wanted) => serde_json::from_str(&got).is_ok_and(|got: Value| got == wanted),
            Err(_) => got == wanted,
        };
        if !same && !is_fault(&wanted, &got) {
            wrong.push(format!("{text}: shown {wanted}, gives {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_template_gives_what_its_guide_says() {
    let rows = rows("templates.md", "Template");
    assert!(rows.len() >= 15, "{}", rows.len());
    let mut wrong = Vec::new();
    for (text, wanted, data) in rows {
        let values = data.as_object().cloned().unwrap_or_default();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        let mut faults = Faults::new();
        let template = Template::parse(&Fragment::whole("x", &text), &names, &mut faults);
        let got = match template {
            Some(template) => template.render(&values).expect("a text"),
            None => format!("refused: {}", faults.into_sorted()[0].message),
        };
        if got.trim_end() != wanted && !is_fault(&wanted, &got) {
            wrong.push(format!("{text}: shown {wanted}, gives {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_first_mapping_is_written_checked_sent_and_replayed() -> Outcome<()> {
    assert!(play("first-mapping.md")? >= 12);
    Ok(())
}

#[test]
fn a_connector_is_written_as_its_guide_says() -> Outcome<()> {
    assert!(play("writing-a-connector.md")? >= 5);
    Ok(())
}

#[test]
fn whole_files_in_the_guides_of_the_languages_are_sound() -> Outcome<()> {
    assert!(play("expressions.md")? >= 1);
    assert!(play("templates.md")? >= 1);
    Ok(())
}

#[test]
fn the_index_names_every_page_and_every_link_leads_somewhere() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let index = guide("README.md");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&docs).expect("docs") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let is_page = Path::new(&name)
            .extension()
            .is_some_and(|ending| ending == "md")
            && name != "README.md";
        if is_page && !index.contains(&format!("]({name})")) {
            wrong.push(format!("docs/README.md does not name {name}"));
        }
    }
    for page in [
        "README.md",
        "first-mapping.md",
        "writing-a-connector.md",
        "expressions.md",
        "templates.md",
    ] {
        for link in guide(page).split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            // The reference is made from the schemas of the files.
            let made = link.starts_with("reference/");
            if !link.is_empty() && !made && !link.contains("://") && !docs.join(link).exists() {
                wrong.push(format!("docs/{page} links to {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    for (shown, said, wanted) in [
        (&["a", "…", "c"][..], &["a", "b", "b", "c"][..], true),
        (&["a", "…", "c"], &["a", "c"], true),
        (&["…"], &[], true),
        (&["a"], &["a", "b"], false),
        (&["a … c"], &["a b c"], true),
        (&["sig_…  alt_…"], &["sig_1  alt_2"], true),
        (&["a … c"], &["a c"], false),
        (&["b"], &["a"], false),
    ] {
        assert_eq!(fits(shown, said), wanted, "{shown:?} {said:?}");
    }
}
