//! Arguments against what an action takes.

use serde_json::{Map, Value as Json};

use crate::connector::ActionRule;
use crate::diag::nearest;

/// Checks `with` and puts the defaults in. All faults come in one line.
pub(super) fn check(
    rule: &ActionRule,
    with: &Map<String, Json>,
) -> Result<Map<String, Json>, String> {
    let mut faults = Vec::new();
    let known = || rule.takes.iter().map(|take| take.name.as_str());
    for name in with.keys() {
        if !known().any(|known| known == name) {
            let help = match nearest(name, known()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("it takes {}", known().collect::<Vec<_>>().join(", ")),
            };
            faults.push(format!("`{name}` is no argument of it: {help}"));
        }
    }
    let mut checked = Map::new();
    for take in &rule.takes {
        match with.get(&take.name).filter(|given| !given.is_null()) {
            Some(given) => match take.refuses(given) {
                None => {
                    checked.insert(take.name.clone(), given.clone());
                }
                Some(refusal) => faults.push(format!("`{}`: {refusal}", take.name)),
            },
            None => match &take.default {
                Some(default) => {
                    checked.insert(take.name.clone(), default.clone());
                }
                None if take.optional => {}
                None => faults.push(format!("`{}` is missing", take.name)),
            },
        }
    }
    if faults.is_empty() {
        Ok(checked)
    } else {
        Err(faults.join("; "))
    }
}
