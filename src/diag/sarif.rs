//! Faults as SARIF 2.1.0, which code scanning and editors read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; what GitHub asks beyond it:
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Code, Diagnostic, pages};

/// One run with one rule for each code that was met.
pub(super) fn log(faults: &[Diagnostic]) -> String {
    let mut codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Json> = codes.iter().map(|code| rule(*code)).collect();
    let results: Vec<Json> = faults
        .iter()
        .map(|fault| result(fault, codes.binary_search(&fault.code).unwrap_or_default()))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "andon",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(code: Code) -> Json {
    let page = pages::page(code.0).unwrap_or_default();
    let title = pages::title(page);
    let body = pages::body(page);
    json!({
        "id": code.0,
        "shortDescription": { "text": title },
        "fullDescription": { "text": body.split("\n\n").next().unwrap_or(title) },
        "help": { "text": body, "markdown": page },
    })
}

fn result(fault: &Diagnostic, rule: usize) -> Json {
    let [(line, column), (end_line, end_column)] = fault.place.from_to();
    let mut said = fault.message.clone();
    for more in [
        Some(&fault.label).filter(|label| !label.is_empty()),
        fault.help.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        said.push_str("; ");
        said.push_str(more);
    }
    json!({
        "ruleId": fault.code.0,
        "ruleIndex": rule,
        "level": fault.level.as_str(),
        "message": { "text": said },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&fault.place.source.name) },
            "region": {
                "startLine": line,
                "startColumn": column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        } }],
    })
}

/// A path as a URI: relative where the path is (RFC 3986, section 4.2).
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::diag::{Code, Faults, Format, Place, Source, Span, render};
    use serde_json::{Value as Json, json};

    fn log() -> Json {
        let source = Source::new("mappings/ä b.yaml", "# é\nwhen: signal.catgory\n");
        let mut faults = Faults::new();
        let at = source.text.find("catgory").unwrap();
        faults
            .error(
                Code("AND0203"),
                Place::new(&source, Span::new(at, at + 7)),
                "`catgory` is not a field",
            )
            .label("did you mean `category`?")
            .help("write `signal.category`");
        faults.warning(Code("AND0119"), Place::new(&source, Span::new(2, 4)), "odd");
        serde_json::from_str(&render(&faults.into_sorted(), Format::Sarif)).unwrap()
    }

    /// The properties that the standard (section 3) and GitHub's page ask for, by their place.
    #[test]
    fn it_has_what_the_standard_and_github_ask_for() {
        let log = log();
        for (place, wanted) in [
            ("/version", json!("2.1.0")),
            ("/runs/0/tool/driver/name", json!("andon")),
            ("/runs/0/columnKind", json!("unicodeCodePoints")),
            ("/runs/0/tool/driver/rules/1/id", json!("AND0203")),
            ("/runs/0/results/1/ruleId", json!("AND0203")),
            ("/runs/0/results/1/ruleIndex", json!(1)),
            ("/runs/0/results/1/level", json!("error")),
            ("/runs/0/results/0/level", json!("warning")),
            (
                "/runs/0/results/1/message/text",
                json!(
                    "`catgory` is not a field; did you mean `category`?; write `signal.category`"
                ),
            ),
            (
                "/runs/0/results/1/locations/0/physicalLocation/artifactLocation/uri",
                json!("mappings/%C3%A4%20b.yaml"),
            ),
            (
                "/runs/0/results/1/locations/0/physicalLocation/region",
                json!({ "startLine": 2, "startColumn": 14, "endLine": 2, "endColumn": 21 }),
            ),
            (
                "/runs/0/results/0/locations/0/physicalLocation/region",
                json!({ "startLine": 1, "startColumn": 3, "endLine": 1, "endColumn": 4 }),
            ),
        ] {
            assert_eq!(log.pointer(place), Some(&wanted), "{place}");
        }
    }

    #[test]
    fn each_rule_holds_the_page_of_its_code() {
        let log = log();
        let rules = log.pointer("/runs/0/tool/driver/rules").unwrap();
        for rule in rules.as_array().unwrap() {
            let code = rule.get("id").unwrap().as_str().unwrap();
            let page = crate::diag::pages::page(code).unwrap();
            assert_eq!(rule.pointer("/help/markdown"), Some(&json!(page)));
            for text in [
                "/shortDescription/text",
                "/fullDescription/text",
                "/help/text",
            ] {
                let text = rule.pointer(text).unwrap().as_str().unwrap();
                assert!(!text.is_empty(), "{code}");
            }
        }
    }

    #[test]
    fn no_faults_are_a_run_without_results() {
        let log: Json = serde_json::from_str(&render(&[], Format::Sarif)).unwrap();
        assert_eq!(log.pointer("/runs/0/results"), Some(&json!([])));
    }
}
