//! What people say where an alert was sent to comes back as a signal, and is heard as if said here.

use super::answer::{Heard, Word, hear};
use crate::alert::{AlertId, ClosedHow};
use crate::catalog::Catalog;
use crate::connector::ReplyWord;
use crate::signal::Signal;
use crate::store::{self, Tx};
use crate::untrusted;

/// The longest name of somebody, in graphemes.
const LONGEST_NAME: usize = 100;

/// Hears a signal that answers one of Andon's own alerts. Gives the alert where that changed it.
///
/// Only a connection that was told of an alert is heard about it: whoever can sign for one destination
/// cannot close what others were told of.
pub(super) fn reply(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    signal: &Signal,
) -> Result<Option<AlertId>, store::Error> {
    let connector = catalog.connectors.get(&signal.name.connector);
    // Most signals come from where nothing is sent, and need not be looked for.
    let rule = connector
        .filter(|connector| connector.deliver.is_some())
        .and_then(|connector| connector.signal(&signal.name.signal));
    let Some(reply) = rule.and_then(|rule| rule.reply.as_ref()) else {
        return Ok(None);
    };
    let replied = reply.read(signal.data.as_data().root());
    let connection = signal.connection.as_str();
    let id: Option<AlertId> = match (&replied.to, &replied.known_as) {
        // The key of somebody else's thing is no alert, whatever else it may be called.
        (Some(to), _) => to.parse().ok(),
        (None, Some(name)) => tx.known_as(connection, name)?,
        (None, None) => None,
    };
    let Some(id) = id else { return Ok(None) };
    let was_told = tx
        .alert(id)?
        .is_some_and(|alert| alert.told.iter().any(|told| told == connection));
    if !was_told {
        return Ok(None);
    }
    if let (Some(_), Some(name)) = (&replied.to, &replied.known_as) {
        tx.know_as(connection, name, id)?;
    }
    let Some(word) = replied.word else {
        return Ok(None);
    };
    let by = match replied.by {
        Some(name) => format!("{} ({connection})", untrusted::person(&name, LONGEST_NAME)),
        None => connection.to_owned(),
    };
    let word = match word {
        ReplyWord::Acknowledged => Word::Acknowledged(String::new()),
        ReplyWord::Resolved => Word::Resolved {
            text: String::new(),
            how: ClosedHow::Resolved,
        },
        ReplyWord::FalsePositive => Word::Resolved {
            text: String::new(),
            how: ClosedHow::FalsePositive,
        },
    };
    let heard = hear(tx, catalog, id, &by, word)?;
    Ok(matches!(heard, Heard::Revised(_)).then_some(id))
}
