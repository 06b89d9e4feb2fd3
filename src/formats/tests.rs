//! Words are held to those who know them; the order of keys keeps what was written.

use proptest::prelude::*;

use super::*;
use crate::alert::Alert;
use crate::diag::{Faults, Fragment, Source};
use crate::expr::{Expr, Names};
use crate::template::Template;

/// What the help line of the one fault lists.
fn listed(faults: Faults, before: &str) -> Vec<String> {
    let sorted = faults.into_sorted();
    let help = sorted.first().and_then(|fault| fault.help.clone());
    let help = help.unwrap_or_default();
    let list = help.split_once(before).map(|(_, list)| list.to_owned());
    let mut words: Vec<String> = list
        .unwrap_or_default()
        .split(", ")
        .map(str::to_owned)
        .collect();
    words.sort();
    words
}

fn sorted<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words
}

#[test]
fn the_functions_are_those_of_expressions() {
    let mut faults = Faults::new();
    Expr::compile(
        &Fragment::whole("x", "zzzzqqqq(1)"),
        &Names::new(),
        &mut faults,
    );
    let known = listed(faults, "the functions are ");
    let described = FUNCTIONS.iter().chain(&MACROS).map(|(name, ..)| *name);
    assert_eq!(known, sorted(described));
}

#[test]
fn the_helpers_are_those_of_templates() {
    let mut faults = Faults::new();
    Template::parse(
        &Fragment::whole("x", "{{zzzzqqqq name}}"),
        &["name"],
        &mut faults,
    );
    let known = listed(faults, "the helpers are ");
    assert_eq!(
        known,
        sorted(TEMPLATE_HELPERS.iter().map(|(name, ..)| *name))
    );
}

#[test]
fn the_words_of_an_alert_are_those_it_shows() {
    assert_eq!(
        sorted(Alert::words()),
        sorted(ALERT_WORDS.iter().map(|(word, _)| *word))
    );
}

#[test]
fn keys_go_where_the_reference_has_them_with_their_comments() {
    let text = "\
# How this is read.
andon: mapping/v1
name: x
# Closed by a passed test.
resolve:
  - when: otherwise

when: signal.x   # only this
# close to when

# What it says.
alert:
  # The line on a phone.
  title: a
  kind: k


  same_as: [=signal.x]
from: a/b

# The end.
";
    let source = Source::new("x.yaml", text);
    insta::assert_snapshot!(format(&source).unwrap(), @r"
    # How this is read.
    andon: mapping/v1
    name: x
    from: a/b

    when: signal.x   # only this
    # close to when

    # What it says.
    alert:
      kind: k
      # The line on a phone.
      title: a

      same_as: [=signal.x]

    # Closed by a passed test.
    resolve:
      - when: otherwise

    # The end.
    ");
}

#[test]
fn keys_in_braces_and_behind_dashes_go_to_their_place() {
    for (before, after) in [
        (
            "routes:\n  - repeat: 4h\n    to: [oncall]   # at night\n    when: alert.severity >= high\n",
            "routes:\n  - when: alert.severity >= high\n    to: [oncall]   # at night\n    repeat: 4h\n",
        ),
        (
            "routes:\n  - { to: [soc] , when: \"true\" }\n",
            "routes:\n  - { when: \"true\" , to: [soc] }\n",
        ),
        (
            "keep: {\n  at_most: 20GB, # enough\n  signals: 7d }\n",
            "keep: {\n  at_most: 20GB, # enough\n  signals: 7d }\n",
        ),
        // A comment above what would come first has no place behind a dash.
        (
            "routes:\n  - to: [soc]\n    # all\n    when: \"true\"\n",
            "routes:\n  - to: [soc]\n    # all\n    when: \"true\"\n",
        ),
        // The settings of a connector stay as they are typed.
        (
            "connections:\n  soc: { url: https://x, connector: splunk, ca: { file: x } }\n",
            "connections:\n  soc: { connector: splunk, url: https://x, ca: { file: x } }\n",
        ),
        ("store: x\n\n\n\nlisten: y", "\nlisten: y\nstore: x\n"),
    ] {
        let head = "andon: config/v1\n";
        let source = Source::new("andon.yaml", format!("{head}{before}"));
        assert_eq!(format(&source), Ok(format!("{head}{after}")));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_left_alone() {
    for (text, why) in [
        ("andon: mapping/v1\nname: [x\n", Refused::Unreadable),
        ("andon: mapping/v1\nname: x\nname: y\n", Refused::Unreadable),
        ("name: x\n", Refused::NotOurs),
        ("andon: nothing/v1\n", Refused::NotOurs),
        ("", Refused::Unreadable),
    ] {
        assert_eq!(format(&Source::new("x.yaml", text)), Err(why), "{text}");
    }
}

/// The paragraphs of a file: its head, and one for each key at its margin.
fn paragraphs(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.starts_with(|first: char| first.is_ascii_lowercase()) && !line.starts_with("andon:")
        {
            found.push(String::new());
        }
        if let Some(last) = found.last_mut() {
            last.push_str(line);
        }
    }
    found
}

/// The built-in files that are written in the formats.
fn built_in() -> Vec<String> {
    let files = crate::catalog::Files::built_in();
    let texts = files
        .iter()
        .filter(|(path, _)| path.contains(".yaml"))
        .map(|(_, file)| String::from_utf8(file.bytes.to_vec()).unwrap());
    texts.collect()
}

proptest! {
    #[test]
    fn a_file_in_any_order_comes_out_in_the_one_order(
        file in any::<prop::sample::Index>(),
        keys in prop::collection::vec(any::<u32>(), 24),
        comments in prop::collection::vec(prop::option::of("[a-z#:{ ]{0,12}"), 24),
    ) {
        let files = built_in();
        let mut parts = paragraphs(&files[file.index(files.len())]).into_iter();
        let mut text = parts.next().unwrap();
        let mut others: Vec<(u32, String)> = keys.into_iter().zip(parts).collect();
        others.sort();
        for ((_, part), comment) in others.iter().zip(comments) {
            if let Some(comment) = comment {
                text.extend(["# ", &comment, "\n"]);
            }
            text.push_str(part);
        }
        let source = Source::new("x.yaml", text);
        let once = format(&source).unwrap();
        let again = Source::new("x.yaml", once.clone());
        prop_assert_eq!(format(&again), Ok(once));
        let root = crate::yaml::parse(&again, &mut Faults::new()).unwrap();
        let map = Format::of(&root).unwrap().map;
        let ranks: Vec<Option<usize>> = root
            .as_map()
            .unwrap()
            .iter()
            .map(|entry| map.keys().position(|key| key.name == entry.key))
            .collect();
        prop_assert!(ranks.is_sorted(), "{:?}", ranks);
    }

    #[test]
    fn any_text_is_put_in_order_or_left_alone(text in "(andon: config/v1\n)?[a-z:{}\\[\\]#,|>\"' \n-]{0,80}") {
        let source = Source::new("x.yaml", text);
        if let Ok(once) = format(&source) {
            let again = Source::new("x.yaml", once.clone());
            prop_assert_eq!(format(&again), Ok(once));
        }
    }
}
