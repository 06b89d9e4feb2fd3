//! Andon's own changes come back as signals; here they are recognised, each call at most once.

use serde_json::{Map, Value as Json};

use crate::action::ActionId;
use crate::catalog::Catalog;
use crate::connector::EchoOf;
use crate::expr::{Scope, Value};
use crate::signal::Signal;
use crate::store::{self, Tx};

/// The action that a signal is the echo of. `expected` rows hold `{ action, of, names: {…} }`: which
/// verb, doing or undoing, and the values its expressions name.
pub fn recognise(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    signal: &Signal,
) -> Result<Option<ActionId>, store::Error> {
    let waiting = tx.echoes(&signal.connection, &signal.name, signal.received_at)?;
    for echo in waiting {
        if matches(catalog, signal, &echo.expected.expected) && tx.use_echo(echo.id, signal.id)? {
            return Ok(Some(echo.expected.action));
        }
    }
    Ok(None)
}

fn matches(catalog: &Catalog, signal: &Signal, expected: &Json) -> bool {
    let Some((_, action)) = expected
        .get("action")
        .and_then(Json::as_str)
        .and_then(|name| catalog.action(name))
    else {
        return false;
    };
    let of = match expected.get("of").and_then(Json::as_str) {
        Some("undo") => EchoOf::Undo,
        _ => EchoOf::Do,
    };
    let nothing = Map::new();
    let values = expected
        .get("names")
        .and_then(Json::as_object)
        .unwrap_or(&nothing);
    action
        .echo
        .iter()
        .filter(|echo| echo.of == of && echo.signal == signal.name.signal)
        .any(|echo| {
            let mut scope = Scope::new(&echo.names);
            for (slot, name) in echo.names.slots() {
                if let Some(value) = values.get(name) {
                    scope.set(slot, Value::from_json(value));
                }
            }
            scope.set(echo.slot, Value::from_place(signal.data.as_data().root()));
            echo.when.holds(&scope).unwrap_or(false)
        })
}
