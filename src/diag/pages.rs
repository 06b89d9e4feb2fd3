//! The page of each code: what it means and what to write instead, for whoever meets it at night.
//!
//! They stand in `docs/codes/` and in the binary, so that they are at hand where there is no network.

include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// What the codes of each hundred are about, by their first two digits.
pub const GROUPS: [(&str, &str); 8] = [
    ("01", "YAML, and what all files share"),
    ("02", "Expressions"),
    ("03", "Templates, and what conditions come to"),
    ("04", "Connectors"),
    ("05", "Mappings and kinds"),
    ("06", "andon.yaml"),
    ("07", "Schemas"),
    ("08", "Requests, values, and what connections answer"),
];

/// The page of a code, such as `AND0203`, as Markdown.
pub fn page(code: &str) -> Option<&'static str> {
    PAGES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, page)| *page)
}

/// The codes that have a page, in order.
pub fn all() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

/// The heading of a page, without the code: one sentence.
pub fn title(page: &str) -> &str {
    let heading = page.lines().next().unwrap_or_default();
    heading.split_once(": ").map_or(heading, |(_, title)| title)
}

/// A page without its heading.
pub fn body(page: &str) -> &str {
    page.split_once('\n').map_or("", |(_, body)| body.trim())
}
