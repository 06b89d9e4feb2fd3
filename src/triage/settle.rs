//! Inside one transaction: the signal is kept, its alerts are changed, what is owed is noted.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::echo::recognise;
use super::judge::Judged;
use super::reply::reply;
use super::revise::{Why, quiet_at, revise};
use crate::alert::{Alert, AlertId, Closed, ClosedHow, Link, Offer, Origin, Severity, State};
use crate::catalog::Catalog;
use crate::mapping::{Judgement, Mapping, Proposal};
use crate::signal::Signal;
use crate::store::{self, LookUp, RawRef, Sighting, Standing, Tx};

/// Keeps a judged signal with everything that follows from it; what an alert shows is moved into it.
/// With `raw` the signal is new; without, it is one that waited or was stuck. Gives the alerts that
/// it counts in, and the one that it answers.
///
/// # Errors
/// When the store fails; then nothing of it is kept.
pub fn settle(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    judged: &mut Judged,
    raw: Option<RawRef<'_>>,
) -> Result<Vec<AlertId>, store::Error> {
    let echo = recognise(tx, catalog, &judged.signal)?;
    if echo.is_some() {
        judged.signal.echo_of = echo;
    }
    let mut alerts = tell(tx, catalog, judged)?;
    let signal = &judged.signal;
    let reason = judged
        .stuck
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ");
    let standing = if !judged.waiting.is_empty() {
        Standing::Waiting(&alerts)
    } else if judged.stuck.is_empty() {
        Standing::Read(&alerts)
    } else {
        Standing::Stuck {
            alerts: &alerts,
            reason: &reason,
            trace: &reason,
        }
    };
    match raw {
        Some(raw) => tx.insert_signal(signal, raw, standing)?,
        None => tx.settle_signal(signal.id, standing)?,
    }
    if !judged.waiting.is_empty() {
        let stuck: Vec<&str> = judged
            .stuck
            .iter()
            .map(|stuck| stuck.mapping.as_str())
            .collect();
        tx.wait_for_look_up(&LookUp {
            signal: signal.id,
            attempts: 0,
            next_at: tx.now(),
            progress: json!({ "mappings": judged.waiting, "found": {}, "stuck": stuck, "reason": reason }),
            error: None,
        })?;
    }
    // It counts in no alert for that: it is no sighting.
    alerts.extend(reply(tx, catalog, &judged.signal)?);
    Ok(alerts)
}

/// What mappings say of a signal, told to its alerts, while the signal itself is left alone. Gives the
/// alerts that it counts in; what an alert shows is moved into it.
///
/// # Errors
/// When the store fails.
pub fn tell(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    judged: &mut Judged,
) -> Result<Vec<AlertId>, store::Error> {
    let signal = &judged.signal;
    let mut alerts = Vec::new();
    for (mapping, said) in &mut judged.said {
        let touched = match said {
            Judgement::Nothing => None,
            Judgement::Open(proposal) => Some(open(tx, catalog, mapping, signal, proposal)?),
            Judgement::Close { key } => close(tx, catalog, signal, key)?,
        };
        alerts.extend(touched);
    }
    Ok(alerts)
}

fn open(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    mapping: &Arc<Mapping>,
    signal: &Signal,
    proposal: &mut Proposal,
) -> Result<AlertId, store::Error> {
    let now = tx.now();
    let quiet = quiet_at(mapping, now);
    let Some(known) = tx.open_alert(&proposal.key)? else {
        let alert = first(catalog, mapping, signal, proposal, tx.next_id(), now);
        return revise(tx, catalog, alert, Why::Opened, now, quiet).map(|alert| alert.id);
    };
    if let Some((alert, why)) = again(catalog, mapping, signal, &known, proposal, now) {
        return revise(tx, catalog, alert, why, now, quiet).map(|alert| alert.id);
    }
    let sighting = Sighting {
        signal: signal.id,
        at: proposal.at,
        seen: now,
        quiet_at: quiet,
        measured: Some(proposal.measured.clone()).filter(|measured| *measured != known.measured),
        evidence: Some(proposal.evidence.clone()).filter(|evidence| *evidence != known.evidence),
    };
    tx.count(known.id, sighting)?;
    Ok(known.id)
}

/// What a proposal makes of the open alert of its key: its next revision, before it is revised; none
/// where the signal is only counted. `explain` shows it too.
pub fn again(
    catalog: &Catalog,
    mapping: &Mapping,
    signal: &Signal,
    known: &Alert,
    proposal: &Proposal,
    now: jiff::Timestamp,
) -> Option<(Alert, Why)> {
    let own = signal.echo_of.is_some();
    let severity = if own {
        known.severity
    } else {
        known.severity.max(proposal.severity)
    };
    let shows_more = known.title != proposal.title
        || known.summary != proposal.summary
        || known.fields != proposal.fields
        || known.model != proposal.model;
    let why = match (severity == known.severity, shows_more) {
        (true, false) => return None,
        (true, true) => Why::Changed,
        (false, _) => Why::Severity,
    };
    let mut alert = known.clone();
    alert.revision += 1;
    alert.state = State::Updated;
    alert.severity = severity;
    alert.title.clone_from(&proposal.title);
    alert.summary.clone_from(&proposal.summary);
    alert.at = proposal.at;
    alert.last_seen = now;
    alert.count += 1;
    alert.model.clone_from(&proposal.model);
    alert.measured.clone_from(&proposal.measured);
    alert.fields.clone_from(&proposal.fields);
    alert.evidence.clone_from(&proposal.evidence);
    alert.signal = signal.id;
    if !own {
        alert.contain = offers(catalog, mapping, signal, proposal);
        alert.caused_by = None;
    }
    alert.links = links(catalog, signal, &alert);
    Some((alert, why))
}

/// The alert that a proposal opens, before any destination is told of it. `explain` shows it too.
/// Takes out of the proposal what the alert shows.
pub fn first(
    catalog: &Catalog,
    mapping: &Mapping,
    signal: &Signal,
    proposal: &mut Proposal,
    id: AlertId,
    now: jiff::Timestamp,
) -> Alert {
    let own = signal.echo_of.is_some();
    let contain = offers(catalog, mapping, signal, proposal);
    let mut alert = Alert {
        id,
        revision: 1,
        state: State::Open,
        mapping: mapping.name.clone(),
        key: std::mem::take(&mut proposal.key),
        kind: mapping.alert.kind.name.clone(),
        severity: if own {
            Severity::Informational
        } else {
            proposal.severity
        },
        title: std::mem::take(&mut proposal.title),
        summary: std::mem::take(&mut proposal.summary),
        at: proposal.at,
        revised_at: now,
        first_seen: now,
        last_seen: now,
        count: 1,
        model: std::mem::take(&mut proposal.model),
        measured: std::mem::take(&mut proposal.measured),
        fields: std::mem::take(&mut proposal.fields),
        evidence: std::mem::take(&mut proposal.evidence),
        links: Vec::new(),
        contain,
        origin: origin(catalog, signal),
        signal: signal.id,
        closed: None,
        acknowledged: None,
        notes: Vec::new(),
        told: Vec::new(),
        caused_by: signal.echo_of,
    };
    alert.links = links(catalog, signal, &alert);
    alert
}

fn close(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    signal: &Signal,
    key: &str,
) -> Result<Option<AlertId>, store::Error> {
    let Some(known) = tx.open_alert(key)? else {
        return Ok(None);
    };
    let now = tx.now();
    let alert = recovered(&known, signal, now);
    revise(tx, catalog, alert, Why::Resolved, now, None).map(|alert| Some(alert.id))
}

/// An open alert's last revision, when a signal says that it is over. `explain` shows it too.
pub fn recovered(known: &Alert, signal: &Signal, now: jiff::Timestamp) -> Alert {
    let mut alert = known.clone();
    alert.signal = signal.id;
    alert.last_seen = now;
    let how = ClosedHow::Recovered;
    over(
        &mut alert,
        Closed {
            at: now,
            how,
            by: None,
        },
    );
    alert
}

/// Makes `alert` its own last revision.
pub fn over(alert: &mut Alert, closed: Closed) {
    alert.revision += 1;
    alert.state = State::Resolved;
    alert.closed = Some(closed);
}

fn origin(catalog: &Catalog, signal: &Signal) -> Origin {
    let host = catalog
        .config
        .connection(&signal.connection)
        .map_or("localhost", crate::config::Connection::host)
        .to_owned();
    Origin {
        connection: signal.connection.clone(),
        connector: signal.name.connector.clone(),
        host,
    }
}

fn offers(
    catalog: &Catalog,
    mapping: &Mapping,
    signal: &Signal,
    proposal: &Proposal,
) -> Vec<Offer> {
    if signal.echo_of.is_some() {
        return Vec::new();
    }
    let url = &catalog.config.public_url;
    let one = |(index, with, ask): &(usize, Map<String, Json>, Vec<String>)| {
        let rule = mapping.contain.get(*index)?;
        let place = catalog.place_for(rule, &signal.connection)?;
        let about = place
            .connector
            .action(&rule.verb)
            .map(|action| action.about.clone())
            .unwrap_or_default();
        Some(Offer {
            action: format!("{}/{}", rule.connector, rule.verb),
            at: place.name.clone(),
            about,
            with: with.clone(),
            ask: ask.clone(),
            href: format!("{url}/v1/actions"),
        })
    };
    proposal.contain.iter().filter_map(one).collect()
}

fn links(catalog: &Catalog, signal: &Signal, alert: &Alert) -> Vec<Link> {
    let mut links = Vec::new();
    let base = catalog
        .config
        .connection(&signal.connection)
        .and_then(|connection| connection.text(connection.connector.first_url()?));
    let path = catalog
        .signal(&signal.name)
        .and_then(|rule| rule.link.as_ref()?.path(signal.data.as_data().root()));
    if let (Some(base), Some(path)) = (base, path) {
        links.push(Link {
            text: "Source".to_owned(),
            href: format!("{}{path}", base.trim_end_matches('/')),
        });
    }
    let url = &catalog.config.public_url;
    links.push(Link {
        text: "Andon record".to_owned(),
        href: format!("{url}/v1/alerts/{}", alert.id),
    });
    for offer in &alert.contain {
        links.push(Link {
            text: format!("Contain: {} at {}", offer.action, offer.at),
            href: offer.href.clone(),
        });
    }
    if let Some(runbook) = catalog
        .mappings
        .get(&alert.mapping)
        .and_then(|mapping| mapping.runbook.as_ref())
    {
        links.push(Link {
            text: "Runbook".to_owned(),
            href: runbook.clone(),
        });
    }
    links
}
