//! `settings:`: what a connection in `andon.yaml` has to say.

use regex::Regex;
use serde_json::Value as Json;

use crate::diag::{Faults, codes};
use crate::yaml::{Fields, Node};

/// One setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its key in `andon.yaml`.
    pub name: String,
    /// What it is.
    pub kind: SettingKind,
    /// What for, and where to find it.
    pub about: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is when left out.
    pub default: Option<Json>,
    /// The only values it may have.
    pub one_of: Vec<String>,
    /// How it has to be written, as a whole.
    pub matches: Option<Regex>,
}

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// An absolute `http` or `https` URL.
    Url,
    /// A reference to a secret, never the secret.
    Secret,
    /// A text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// Such as `30s`.
    Duration,
    /// A folder or file, relative to the folder of `andon.yaml`.
    Path,
}

impl Setting {
    /// What it has to look like, where `matches` says so.
    pub fn looks(&self) -> String {
        let pattern = self.matches.as_ref().map_or("", Regex::as_str);
        let bare = pattern
            .strip_prefix("^(?:")
            .and_then(|rest| rest.strip_suffix(")$"));
        format!("a text that matches `{}`", bare.unwrap_or(pattern))
    }
}

impl SettingKind {
    const ALL: [(&'static str, Self); 7] = [
        ("url", Self::Url),
        ("secret", Self::Secret),
        ("text", Self::Text),
        ("number", Self::Number),
        ("bool", Self::Bool),
        ("duration", Self::Duration),
        ("path", Self::Path),
    ];
}

/// Keys of a connection that are Andon's own, so that no setting may be called so.
pub const RESERVED: [&str; 6] = [
    "connector",
    "reach",
    "ca",
    "client_cert",
    "timeout",
    "limits",
];

/// A name that files may give: letters, digits, `_` and `-`, beginning with a letter; never a word
/// that some YAML readers take for a truth value.
pub fn is_name(text: &str) -> bool {
    let word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    word && !["on", "off", "yes", "no", "y", "n", "true", "false", "null"]
        .contains(&text.to_ascii_lowercase().as_str())
}

/// Reads `settings:`.
pub fn parse(node: &Node, faults: &mut Faults) -> Vec<Setting> {
    let Some(entries) = node.as_map() else {
        faults
            .error(codes::WRONG_TYPE, node.place(), format!("`settings` is a map, and this is {}", node.what()))
            .help("write `settings:` and under it one key for each setting, such as `url: { is: url, about: … }`");
        return Vec::new();
    };
    let mut settings = Vec::new();
    for entry in entries {
        let Some(fields) = Fields::of(
            &entry.value,
            "a setting",
            &["is", "about", "optional", "default", "one_of", "matches"],
            faults,
        ) else {
            continue;
        };
        if !is_name(&entry.key) || RESERVED.contains(&entry.key.as_str()) || entry.key.contains('-')
        {
            faults
                .error(
                    codes::BAD_NAME,
                    entry.key_place(),
                    format!("a setting cannot be called `{}`", entry.key),
                )
                .help(format!(
                    "use letters, digits and `_`, and none of {}",
                    RESERVED.join(", ")
                ));
            continue;
        }
        let Some(is) = fields.required_text(
            "is",
            "say what it is: url, secret, text, number, bool, duration or path",
            faults,
        ) else {
            continue;
        };
        let Some((_, kind)) = SettingKind::ALL.into_iter().find(|(word, _)| *word == is) else {
            let place = fields
                .get("is")
                .map_or_else(|| entry.key_place(), Node::place);
            faults
                .error(
                    codes::UNKNOWN_WORD,
                    place,
                    format!("`{is}` is no type of setting"),
                )
                .help("write one of url, secret, text, number, bool, duration, path");
            continue;
        };
        settings.push(Setting {
            name: entry.key.clone(),
            kind,
            about: fields.text("about", faults).unwrap_or_default(),
            optional: fields.truth("optional", faults).unwrap_or(false),
            default: fields.get("default").map(Node::to_json),
            one_of: fields.list_of_text("one_of", faults).unwrap_or_default(),
            matches: pattern(&fields, faults),
        });
    }
    settings
}

/// Reads `matches:`: a pattern for the whole text.
pub(super) fn pattern(fields: &Fields<'_>, faults: &mut Faults) -> Option<Regex> {
    let pattern = fields.text("matches", faults)?;
    let read = Regex::new(&format!("^(?:{pattern})$")).ok();
    if read.is_none() {
        faults
            .error(
                crate::expr::BAD_PATTERN,
                fields.get("matches").unwrap_or(fields.node()).place(),
                "this pattern is no regular expression",
            )
            .help("write such as `\"[a-z0-9-]{1,40}\"`");
    }
    read
}
