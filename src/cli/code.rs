//! `andon code`: what a code means and what to write instead, without a network.

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;

use super::{Ended, output};
use crate::diag::pages;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The code, such as AND0203 or 0203; without it all of them, a line each
    code: Option<String>,
    /// All of them, a line each
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

/// Shows.
pub(crate) fn run(typed: &Typed) -> anyhow::Result<Ended> {
    let Some(written) = &typed.code else {
        output::text(&list());
        return Ok(Ended::Fine);
    };
    let code = code(written);
    let Some(page) = pages::page(&code) else {
        bail!("{}", unknown(written, &code));
    };
    output::text(page);
    Ok(Ended::Fine)
}

/// A code as pages name it: `203`, `and0203` and `AND0203` are one.
fn code(written: &str) -> String {
    let upper = written.trim().to_ascii_uppercase();
    let digits = upper.strip_prefix("AND").unwrap_or(&upper);
    format!("AND{digits:0>4}")
}

/// Says that there is no such code, and which are next to it.
fn unknown(written: &str, code: &str) -> String {
    let shown = crate::untrusted::cut(written, 40);
    let distance = |known: &&str| {
        let number = |code: &str| code.get(3..).and_then(|digits| digits.parse::<u32>().ok());
        number(known).zip(number(code)).map(|(a, b)| a.abs_diff(b))
    };
    let mut near: Vec<&str> = pages::all().collect();
    near.sort_by_key(|known| (strsim::damerau_levenshtein(known, code), distance(known)));
    near.truncate(3);
    near.sort_unstable();
    let near = match distance(&"AND0000") {
        Some(_) => format!("; next to it are {}", near.join(", ")),
        None => String::new(),
    };
    format!("there is no code `{shown}`{near}; `andon code --list` has all of them")
}

/// All codes by group.
fn list() -> String {
    let mut out = String::new();
    for (group, about) in pages::GROUPS {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(about);
        out.push('\n');
        for code in pages::all().filter(|code| code.get(3..5) == Some(group)) {
            let title = pages::page(code).map_or("", pages::title);
            let _ = writeln!(out, "  {code}  {title}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        for written in ["AND0203", "and0203", "0203", "203", " And0203 "] {
            assert_eq!(code(written), "AND0203", "{written}");
        }
    }

    #[test]
    fn an_unknown_code_is_told_its_neighbours() {
        assert_eq!(
            unknown("AND0299", &code("AND0299")),
            "there is no code `AND0299`; next to it are AND0209, AND0217, AND0309; `andon code --list` has all of them"
        );
        assert_eq!(
            unknown("yaml", &code("yaml")),
            "there is no code `yaml`; `andon code --list` has all of them"
        );
    }

    #[test]
    fn the_list_has_every_code_once() {
        let list = list();
        for code in pages::all() {
            assert_eq!(list.matches(code).count(), 1, "{code}");
        }
    }
}
