//! What is wrong, with its code and its place in `andon.yaml`.

use super::Outcome;
use super::one::Asking;
use crate::config::{Reach, SecretRef};
use crate::connector::{Setting, SettingKind};
use crate::diag::Code;
use crate::untrusted;
use crate::web::{self, Blame};

/// No connection: the name, the port, or no answer in time.
const UNREACHABLE: Code = Code("AND0850");
/// TLS was given up for a certificate, or a file of certificates cannot be used.
const UNTRUSTED: Code = Code("AND0851");
/// The address is outside `reach`.
const OUT_OF_REACH: Code = Code("AND0852");
/// A secret that is not there, or not as it has to look.
const NO_SECRET: Code = Code("AND0853");
/// The credentials were refused.
const NOT_ACCEPTED: Code = Code("AND0854");
/// An answer of something else.
const ODD_ANSWER: Code = Code("AND0855");
/// It is there and takes nothing now.
const BUSY: Code = Code("AND0856");
/// What the connector's own question found.
pub(super) const FOUND: Code = Code("AND0857");
/// What was polled cannot be read.
pub(super) const UNREADABLE_ITEMS: Code = Code("AND0858");
/// A folder or a file that cannot be used.
pub(super) const NO_FILE: Code = Code("AND0859");

/// The longest piece of an answer that is told, in graphemes.
const LONGEST_SAID: usize = 200;

impl Asking<'_> {
    /// A fault, at a setting's place; at the connection's where it is not written.
    pub(super) fn fault(
        &mut self,
        code: Code,
        at: &str,
        about: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let message = message.into();
        self.note(about, Outcome::Fault, message.clone());
        let place = self.connection.place_of(at).clone();
        self.faults.error(code, place, message).help(help);
    }

    /// No answer to a request that went to the setting `base`.
    pub(super) fn unanswered(&mut self, about: &str, error: &web::Error, base: &str) {
        let message = match error {
            // What to do about it is the help.
            web::Error::Untrusted {
                connection,
                host,
                problem,
                ..
            } => {
                format!("`{connection}` makes no TLS connection to `{host}`: {problem}")
            }
            other => other.to_string(),
        };
        let message = untrusted::log(&message, 400);
        let (code, at, help) = match error {
            web::Error::Unreachable { host, .. } | web::Error::NoAnswer { host, .. } => (
                UNREACHABLE,
                self.setting_of(host).unwrap_or(base).to_owned(),
                "look at the host and the port of the URL, and at what stands between this machine and it".to_owned(),
            ),
            web::Error::RateLimited { .. } => (UNREACHABLE, base.to_owned(), "ask again later".to_owned()),
            web::Error::Untrusted { host, instead, .. } => (
                UNTRUSTED,
                self.setting_of(host).unwrap_or(base).to_owned(),
                (*instead).to_owned(),
            ),
            web::Error::Refused { host, address, .. } => {
                let wider = [Reach::Private, Reach::Loopback];
                let wide = wider.into_iter().find(|reach| reach.allows(*address));
                let help = wide.map_or_else(
                    || "no connection may go there: write the URL of the system itself".to_owned(),
                    |reach| format!("write `reach: {reach}` if that is where it should be, or another URL"),
                );
                (OUT_OF_REACH, self.setting_of(host).unwrap_or(base).to_owned(), help)
            }
            web::Error::SecretMissing { name, .. } => (
                NO_SECRET,
                name.clone(),
                "give it where this is run".to_owned(),
            ),
            web::Error::Secret(_) => (NO_SECRET, base.to_owned(), "have it readable where this is run".to_owned()),
            web::Error::NoToken { blame, .. } => {
                let at = self.credential().unwrap_or(base).to_owned();
                match blame {
                    Blame::Admin => (
                        NOT_ACCEPTED,
                        at,
                        "look at the client's id, its secret (it may have ended) and the URL that gives tokens".to_owned(),
                    ),
                    Blame::Upstream | Blame::Request => (
                        ODD_ANSWER,
                        at,
                        "look at the URL that gives tokens".to_owned(),
                    ),
                }
            }
            web::Error::BadSetting { setting, .. } => (
                UNTRUSTED,
                setting.clone(),
                "name a PEM file that this command may read".to_owned(),
            ),
            web::Error::TooLarge { .. } | web::Error::Unsendable { .. } => (
                ODD_ANSWER,
                base.to_owned(),
                "look at the URL: another system may be there".to_owned(),
            ),
        };
        self.over = Some("what is written above keeps it from being asked");
        self.fault(code, &at, about, message, help);
    }

    /// An answer that the connector says nothing of.
    pub(super) fn odd(&mut self, about: &str, status: u16, said: &str, base: &str) {
        let name = &self.connection.name;
        let said = match untrusted::log(said.trim(), LONGEST_SAID) {
            empty if empty.is_empty() => format!("status {status}"),
            said => format!("status {status}, {said}"),
        };
        match status {
            401 | 403 | 407 => {
                self.over = Some("the credentials are refused");
                match self.credential().map(str::to_owned) {
                    Some(setting) => self.fault(
                        NOT_ACCEPTED,
                        &setting,
                        about,
                        format!("`{name}` is refused with the credentials that it has: {said}"),
                        format!("look at `{setting}`: whether it is the right one, still in force, and may do this"),
                    ),
                    None => self.fault(
                        NOT_ACCEPTED,
                        "",
                        about,
                        format!("`{name}` is refused, and shows no credentials: {said}"),
                        format!("give it some: `andon connectors show {}` says which", self.connection.connector.name),
                    ),
                }
            }
            408 | 429 | 500.. => self.fault(
                BUSY,
                base,
                about,
                format!("`{name}` answers that it cannot serve now: {said}"),
                "look at that system; what Andon owes it waits meanwhile",
            ),
            _ => self.fault(
                ODD_ANSWER,
                base,
                about,
                format!(
                    "`{name}` gives an answer that {} does not give: {said}",
                    self.connection.connector.name
                ),
                "look at the URL: a proxy, another port or another system may be there",
            ),
        }
    }

    pub(super) fn odd_secret(&mut self, setting: &Setting) {
        let name = &setting.name;
        self.over = Some("a secret is not what it has to be");
        self.fault(
            NO_SECRET,
            name,
            name,
            format!(
                "what is given as `{name}` does not look like one: it has to be {}",
                setting.looks()
            ),
            setting.about.clone(),
        );
    }

    pub(super) fn missing_secret(&mut self, name: &str, reference: &SecretRef) {
        self.over = Some("a secret is missing");
        let help = match reference {
            SecretRef::Env(variable) => format!(
                "run this with `{variable}` set, as the daemon is; a service has an environment of its own"
            ),
            SecretRef::File(path) => format!("write the secret into `{}`", path.display()),
        };
        self.fault(
            NO_SECRET,
            name,
            name,
            format!("`{name}` is not given: {reference} is empty or not set"),
            help,
        );
    }

    pub(super) fn unreadable_secret(&mut self, name: &str, error: &crate::secret::Error) {
        self.over = Some("a secret cannot be read");
        let cause = std::error::Error::source(error).map(ToString::to_string);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        self.fault(
            NO_SECRET,
            name,
            name,
            format!("{error}{cause}"),
            "name a file that this command may read; a relative path is below the folder of andon.yaml",
        );
    }

    /// The setting whose URL leads to this host and port.
    fn setting_of(&self, host: &str) -> Option<&str> {
        let settings = self.connection.connector.settings.iter();
        let mut urls = settings.filter(|setting| setting.kind == SettingKind::Url);
        let leads_there = |setting: &&Setting| {
            let url = self.connection.text(&setting.name);
            let url = url.and_then(|url| url::Url::parse(url).ok());
            url.is_some_and(|url| match (url.host_str(), url.port()) {
                (Some(name), Some(port)) => host == format!("{name}:{port}"),
                (Some(name), None) => host == name,
                (None, _) => false,
            })
        };
        urls.find(leads_there).map(|setting| setting.name.as_str())
    }

    /// The secret that this connection makes itself known with.
    fn credential(&self) -> Option<&str> {
        let given = |secret: &&str| self.connection.secrets.contains_key(*secret);
        let rules = self.connection.connector.auth.iter();
        let mut secrets = rules.map(crate::shape::AuthRule::secrets);
        secrets
            .find(|secrets| secrets.iter().all(given))?
            .into_iter()
            .next_back()
    }
}
