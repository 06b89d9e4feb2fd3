//! One connection: its secrets, its door for pushes, its questions, its sources, its file.

use super::{Asked, Faults, Found, Outcome};
use crate::clock::Clock;
use crate::config::Connection;
use crate::connector::{Scheme, SettingKind, Way, Webhook};
use crate::live::Snapshot;

/// Asks one connection, one question after another.
pub(super) struct Asking<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) connection: &'a Connection,
    pub(super) clock: &'a Clock,
    pub(super) faults: Faults,
    /// Why nothing more is sent: what keeps one question from being answered keeps the others too.
    pub(super) over: Option<&'static str>,
    found: Vec<Found>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        connection: &'a Connection,
        clock: &'a Clock,
    ) -> Self {
        Self {
            snapshot,
            connection,
            clock,
            faults: Faults::new(),
            over: None,
            found: Vec::new(),
        }
    }

    pub(super) fn done(self) -> (Asked, Faults) {
        let asked = Asked {
            connection: self.connection.name.clone(),
            connector: self.connection.connector.name.clone(),
            host: self.connection.host().to_owned(),
            found: self.found,
        };
        (asked, self.faults)
    }

    pub(super) fn note(&mut self, about: &str, outcome: Outcome, said: impl Into<String>) {
        self.found.push(Found {
            about: about.to_owned(),
            outcome,
            said: said.into(),
        });
    }

    /// All there is to ask.
    pub(super) async fn everything(&mut self) {
        let connector = std::sync::Arc::clone(&self.connection.connector);
        self.secrets();
        self.pushes();
        self.questions(&connector.live).await;
        for signal in &connector.signals {
            if matches!(signal.way, Way::Poll(_)) {
                self.poll(&signal.name).await;
            }
        }
        self.folder();
        self.file();
        let asked_by_request = connector.deliver.is_some() || !connector.actions.is_empty();
        if connector.live.questions.is_empty() && asked_by_request && self.writes_no_file() {
            self.note(
                "credentials and rights",
                Outcome::NotAsked,
                format!("the connector `{}` has no `live:`", connector.name),
            );
        }
    }

    /// Whether the secrets that it names are there, and look as they have to.
    fn secrets(&mut self) {
        let connector = &self.connection.connector;
        let settings = connector.settings.iter();
        let mut there = Vec::new();
        for setting in settings.filter(|setting| setting.kind == SettingKind::Secret) {
            let Some(reference) = self.connection.secrets.get(&setting.name) else {
                continue;
            };
            let name = &setting.name;
            let secrets = &self.snapshot.secrets;
            let known = match &setting.matches {
                Some(pattern) => secrets.fits(&self.connection.name, name, pattern),
                None => secrets
                    .is_given(&self.connection.name, name)
                    .map(|given| given.then_some(true)),
            };
            match known {
                Ok(Some(true)) => there.push(format!("`{name}`")),
                Ok(Some(false)) => self.odd_secret(setting),
                Ok(None) if setting.optional => self.note(
                    name,
                    Outcome::NotAsked,
                    format!("{reference} is empty or not set here: it is taken as not given"),
                ),
                Ok(None) => self.missing_secret(name, reference),
                Err(error) => self.unreadable_secret(name, &error),
            }
        }
        if !there.is_empty() {
            let (are, there) = (
                if there.len() == 1 { "is" } else { "are" },
                there.join(", "),
            );
            self.note("secrets", Outcome::Fine, format!("{there} {are} there"));
        }
    }

    /// Whether anything that is pushed could be let in.
    fn pushes(&mut self) {
        let Some(webhook) = &self.connection.connector.webhook else {
            return;
        };
        if !self.lets_in(webhook) {
            self.note(
                "pushes",
                Outcome::NotAsked,
                "none is let in: no secret is given that they could show",
            );
        } else if self.connection.connector.live.questions.is_empty() {
            self.note(
                "pushes",
                Outcome::NotAsked,
                format!(
                    "whether anything is sent to {} is not to be asked from here",
                    self.webhook_url()
                ),
            );
        }
    }

    /// Whether a push could show what is asked of it. A secret that cannot be read counts as given: that is told by itself.
    fn lets_in(&self, webhook: &Webhook) -> bool {
        let given = |secret: &String| {
            let secrets = &self.snapshot.secrets;
            secrets
                .is_given(&self.connection.name, secret)
                .unwrap_or(true)
        };
        webhook.accepts.schemes.iter().any(|scheme| match scheme {
            Scheme::Anyone => true,
            Scheme::Signature(signature) => given(&signature.key),
            Scheme::Header { secret, .. }
            | Scheme::Bearer { secret }
            | Scheme::UrlToken { secret } => given(secret),
            Scheme::Basic { password, .. } => given(password),
        })
    }

    /// Where this connection takes pushes, without a token; `None` where it lets none in.
    pub(super) fn taken_at(&self) -> Option<String> {
        let webhook = self.connection.connector.webhook.as_ref()?;
        self.lets_in(webhook).then(|| self.webhook_url())
    }

    fn webhook_url(&self) -> String {
        let public = &self.snapshot.catalog.config.public_url;
        format!("{public}/v1/signals/{}", self.connection.name)
    }
}
