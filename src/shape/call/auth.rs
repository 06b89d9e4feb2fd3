//! `auth:`: how a request says who asks.

use serde_json::Map;

use super::super::render::Absent;
use super::super::{Auth as Resolved, Error, Leaf, Reading, Shape};
use super::{Offered, leaf, plain};
use crate::diag::{Code, Faults, codes};
use crate::expr::{Names, Scope};
use crate::yaml::{Fields, Node};

/// `auth:` without a way to say who asks.
const BAD_AUTH: Code = Code("AND0823");

/// How a connection makes itself known, as the manifest says it. Its parts may be expressions over `settings`.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `{ bearer: token }`.
    Bearer(String),
    /// `{ basic: { user: …, password: secret } }`.
    Basic {
        /// A setting, a text, or a secret.
        user: Shape,
        /// The secret.
        password: String,
    },
    /// `{ header: Name, scheme: Word, secret: token }`.
    Header {
        /// Lower-case.
        name: String,
        /// Such as `Splunk`.
        scheme: Option<String>,
        /// The secret.
        secret: String,
    },
    /// `{ oauth2: { token_url, client_id, client_secret, scope } }`.
    OAuth2 {
        /// Over `settings`.
        token_url: Shape,
        /// Over `settings`.
        client_id: Shape,
        /// The secret.
        client_secret: String,
        /// Over `settings`.
        scope: Option<Shape>,
    },
}

impl Auth {
    /// Reads `auth:`.
    pub fn parse(node: &Node, offered: Offered<'_>, faults: &mut Faults) -> Option<Self> {
        let names = Names::new().with("settings", offered.settings());
        let reading = Reading {
            names: &names,
            secrets: offered.secrets,
            templates: None,
        };
        let fields = Fields::of(
            node,
            "`auth`",
            &["bearer", "basic", "header", "scheme", "secret", "oauth2"],
            faults,
        )?;
        let secret =
            |fields: &Fields<'_>, key: &'static str, faults: &mut Faults| -> Option<String> {
                let node = fields.require(key, "name a setting with `is: secret`", faults)?;
                let name = node.as_text().unwrap_or_default();
                if offered.secrets.iter().any(|known| known == name) {
                    return Some(name.to_owned());
                }
                faults
                    .error(
                        codes::UNKNOWN_SECRET,
                        node.place(),
                        format!("`{name}` is not a secret of this connector"),
                    )
                    .help(match offered.secrets {
                        [] => "declare it under `settings:` with `is: secret`".to_owned(),
                        known => format!("write one of {}", known.join(", ")),
                    });
                None
            };
        if fields.get("bearer").is_some() {
            return secret(&fields, "bearer", faults).map(Self::Bearer);
        }
        if let Some(node) = fields.get("basic") {
            let basic = Fields::of(node, "`basic`", &["user", "password"], faults)?;
            let password = secret(&basic, "password", faults);
            let user = basic
                .require("user", "write `user: =settings.user`", faults)
                .and_then(|node| reading.value(node, faults));
            return Some(Self::Basic {
                user: user?,
                password: password?,
            });
        }
        if let Some(node) = fields.get("oauth2") {
            let oauth = Fields::of(
                node,
                "`oauth2`",
                &["token_url", "client_id", "client_secret", "scope"],
                faults,
            )?;
            let client_secret = secret(&oauth, "client_secret", faults);
            let token_url = oauth
                .require(
                    "token_url",
                    "write `token_url: =settings.token_url`",
                    faults,
                )
                .and_then(|node| reading.value(node, faults));
            let client_id = oauth
                .require(
                    "client_id",
                    "write `client_id: =settings.client_id`",
                    faults,
                )
                .and_then(|node| reading.value(node, faults));
            let scope = oauth.get("scope").map(|node| reading.value(node, faults));
            let scope = match scope {
                Some(read) => Some(read?),
                None => None,
            };
            return Some(Self::OAuth2 {
                token_url: token_url?,
                client_id: client_id?,
                client_secret: client_secret?,
                scope,
            });
        }
        if let Some(node) = fields.get("header") {
            let secret = secret(&fields, "secret", faults)?;
            let name = node.as_text().unwrap_or_default().to_ascii_lowercase();
            let scheme = fields
                .get("scheme")
                .and_then(Node::as_text)
                .map(str::to_owned);
            return Some(Self::Header {
                name,
                scheme,
                secret,
            });
        }
        faults
            .error(BAD_AUTH, node.place(), "this says nothing about who asks")
            .help("write one of `bearer: token`, `basic: {…}`, `header: Name` with `secret: token`, `oauth2: {…}`");
        None
    }

    /// Puts settings in. `scope` names `settings`.
    pub fn resolve<'a>(&'a self, scope: &'a Scope<'a>) -> Result<Resolved, Error> {
        let none = Map::new();
        let text = |shape: &'a Shape| -> Result<String, Error> {
            let rendered = shape.render(scope, &none, Absent::Fault)?;
            Ok(rendered
                .map(|rendered| plain(&rendered.value))
                .unwrap_or_default())
        };
        Ok(match self {
            Self::Bearer(secret) => Resolved::Bearer(secret.clone()),
            Self::Basic { user, password } => {
                let user = match user.render(scope, &none, Absent::Fault)? {
                    Some(rendered) => leaf(&rendered, "", &rendered.value),
                    None => Leaf::Text(String::new()),
                };
                Resolved::Basic {
                    user,
                    password: password.clone(),
                }
            }
            Self::Header {
                name,
                scheme,
                secret,
            } => Resolved::Header {
                name: name.clone(),
                scheme: scheme.clone(),
                secret: secret.clone(),
            },
            Self::OAuth2 {
                token_url,
                client_id,
                client_secret,
                scope: wanted,
            } => Resolved::OAuth2 {
                token_url: text(token_url)?,
                client_id: text(client_id)?,
                client_secret: client_secret.clone(),
                scope: wanted.as_ref().map(text).transpose()?,
            },
        })
    }

    /// The secrets it needs; when an optional one of them is not given, the auth is left out.
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Bearer(secret) | Self::Header { secret, .. } => vec![secret],
            Self::OAuth2 { client_secret, .. } => vec![client_secret],
            Self::Basic { user, password } => user
                .secrets()
                .into_iter()
                .chain([password.as_str()])
                .collect(),
        }
    }
}
