//! Names of ours, made of foreign keys: short words that no file and no template takes for something else.

use super::guess;

/// The longest such name, in characters.
const LONGEST: usize = 40;

/// Maps of exactly these keys are forms, and no data (design 3).
const FORMS: [&[&str]; 8] = [
    &["secret"],
    &["text"],
    &["at_most", "text"],
    &["from", "pick"],
    &["each", "give"],
    &["lines"],
    &["json"],
    &["as", "time"],
];

/// Names that templates have already, or give a meaning of their own.
const OF_TEMPLATES: [&str; 21] = [
    "severity",
    "kind",
    "measured",
    "connection",
    "if",
    "unless",
    "each",
    "else",
    "this",
    "with",
    "as",
    "lookup",
    "log",
    "true",
    "false",
    "null",
    "undefined",
    "root",
    "key",
    "index",
    "first",
];

/// Names in `data:`: those of the keys, as far as they are names. `signal.at`, `id` and `change` are Andon's.
pub(super) fn of_data(keys: &[&[String]]) -> Vec<String> {
    let plain = |name: String| match name.as_str() {
        "at" | "id" | "change" => format!("{name}_there"),
        _ => name,
    };
    no_form(unique(keys, plain))
}

/// Names in `fields:`, which titles and summaries may show.
pub(super) fn of_fields(keys: &[&[String]]) -> Vec<String> {
    let plain = |name: String| match name.as_str() {
        "model" => "model_name".to_owned(),
        // Handlebars takes whatever begins with `else` for its word.
        reserved if OF_TEMPLATES.contains(&reserved) || reserved.starts_with("else") => {
            format!("reported_{reserved}")
        }
        _ => name,
    };
    no_form(unique(keys, plain))
}

fn unique(keys: &[&[String]], plain: impl Fn(String) -> String) -> Vec<String> {
    let last = |path: &[String]| name(path.last().map_or("", String::as_str));
    let mut names: Vec<String> = Vec::new();
    for path in keys {
        let alone = keys
            .iter()
            .filter(|other| last(other) == last(path))
            .count()
            == 1;
        let says = !matches!(last(path).as_str(), "name" | "value" | "type" | "key");
        let whole = match path.len().checked_sub(2).and_then(|at| path.get(at)) {
            Some(above) if !(alone && says) => name(&format!("{above}_{}", last(path))),
            _ => last(path),
        };
        let whole = plain(whole);
        let mut wanted = whole.clone();
        let mut count = 2;
        while names.contains(&wanted) {
            wanted = format!("{whole}_{count}");
            count += 1;
        }
        names.push(wanted);
    }
    names
}

/// Letters, digits and `_`, a letter first.
fn name(key: &str) -> String {
    let is_one = super::text::is_word(key) && key.len() <= LONGEST;
    let words = if is_one {
        key.to_owned()
    } else {
        guess::words(key).join("_")
    };
    let plain: String = words
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(LONGEST)
        .collect();
    let plain = plain.trim_matches('_');
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain.to_owned()
    } else {
        format!("field_{plain}").trim_end_matches('_').to_owned()
    }
}

fn no_form(mut names: Vec<String>) -> Vec<String> {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let nearly = sorted.len() == 2 && sorted.contains(&"pick");
    if (nearly || FORMS.contains(&sorted.as_slice()))
        && let Some(first) = names.first_mut()
    {
        first.push_str("_there");
    }
    names
}

/// A name for a file, a connector or a signal, made of foreign text; `None` where nothing is left of it.
pub(super) fn of_file(text: &str) -> Option<String> {
    let words: Vec<String> = guess::words(text)
        .into_iter()
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    let name: String = words.join("-").chars().take(LONGEST).collect();
    let name = name.trim_matches('-');
    crate::connector::is_name(name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(keys: &[&[&str]]) -> Vec<String> {
        let keys: Vec<Vec<String>> = keys
            .iter()
            .map(|path| path.iter().map(|key| (*key).to_owned()).collect())
            .collect();
        let keys: Vec<&[String]> = keys.iter().map(Vec::as_slice).collect();
        of_data(&keys)
    }

    #[test]
    fn names_are_unique_and_none_is_andons() {
        assert_eq!(
            data(&[
                &["id"],
                &["model", "name"],
                &["job", "name"],
                &["name"],
                &["a b"],
                &["a-b"],
                &["{{x}}"],
                &["1"],
                &["é"]
            ]),
            [
                "id_there",
                "model_name",
                "job_name",
                "name",
                "a_b",
                "a_b_2",
                "x",
                "field_1",
                "field"
            ]
        );
    }

    #[test]
    fn no_name_is_one_that_templates_read_otherwise() {
        let keys =
            ["severity", "else", "elsewhere", "model", "useless"].map(|key| [key.to_owned()]);
        let keys: Vec<&[String]> = keys.iter().map(|key| &key[..]).collect();
        assert_eq!(
            of_fields(&keys),
            [
                "reported_severity",
                "reported_else",
                "reported_elsewhere",
                "model_name",
                "useless"
            ]
        );
    }

    #[test]
    fn a_map_of_data_is_never_a_form() {
        assert_eq!(data(&[&["text"]]), ["text_there"]);
        assert_eq!(data(&[&["time"], &["as"]]), ["time_there", "as"]);
        assert_eq!(data(&[&["pick"], &["x"]]), ["pick_there", "x"]);
        assert_eq!(data(&[&["text"], &["x"]]), ["text", "x"]);
    }

    #[test]
    fn a_file_is_named_after_what_is_left_of_a_text() {
        for (text, name) in [
            ("Drift Watch.json", Some("drift-watch-json")),
            ("../../etc/passwd", Some("etc-passwd")),
            ("no", None),
            ("{{", None),
            ("1x", None),
        ] {
            assert_eq!(of_file(text).as_deref(), name, "{text}");
        }
    }
}
