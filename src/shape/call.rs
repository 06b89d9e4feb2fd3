//! A request as a manifest describes it: method, path, query, headers, body.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::render::Absent;
use super::{
    Auth as Resolved, Body, Content, Error, Leaf, Method, Path, Reading, Rendered, Request, Shape,
};
use crate::diag::{Code, Faults, Place};
use crate::expr::{Names, Object, Scope, Type};
use crate::untrusted;
use crate::yaml::{Fields, Node};

/// No method, or more than one.
const ONE_METHOD: Code = Code("AND0820");
/// `as:` names no way to send a body.
const UNKNOWN_BODY: Code = Code("AND0821");
/// A header that is none, or that Andon sets itself.
const BAD_HEADER: Code = Code("AND0822");
/// An authentication that is none.
const BAD_AUTH: Code = Code("AND0823");
/// A setting that is not one.
const UNKNOWN_SETTING: Code = Code("AND0824");

/// The keys of a request; a step has more beside them.
pub const KEYS: [&str; 10] = [
    "get", "post", "put", "patch", "delete", "query", "headers", "body", "as", "base",
];

/// A request, compiled.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: Path,
    base: Option<String>,
    query: Option<Shape>,
    headers: Vec<(String, Shape)>,
    body: Option<Shape>,
    body_kind: BodyKind,
    auth: Option<Auth>,
    place: Place,
}

/// How a body is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyKind {
    /// JSON, as this media type.
    Json(String),
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl BodyKind {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "json" => Self::Json("application/json".to_owned()),
            "form" => Self::Form,
            "merge-patch" => Self::Json("application/merge-patch+json".to_owned()),
            "json-patch" => Self::Json("application/json-patch+json".to_owned()),
            "apply-patch" => Self::Json("application/apply-patch+yaml".to_owned()),
            media if media.starts_with("application/") && media.contains("json") => {
                Self::Json(media.to_owned())
            }
            _ => return None,
        })
    }
}

/// What a manifest's `settings:` offer to requests.
#[derive(Clone, Copy)]
pub struct Offered<'o> {
    /// All settings that are no secrets.
    pub plain: &'o [String],
    /// Those of type `url`.
    pub urls: &'o [String],
    /// The secrets.
    pub secrets: &'o [String],
}

impl Offered<'_> {
    /// What expressions know of `settings`: each that is no secret. A secret is no name there.
    pub fn settings(&self) -> Type {
        Type::Object(Arc::new(Object {
            title: "the settings".to_owned(),
            keys: self
                .plain
                .iter()
                .map(|name| (name.clone(), (Type::Any, true)))
                .collect(),
            others: None,
        }))
    }
}

impl Call {
    /// Reads the request of a map that may hold more keys than a request's. `prefix` stands before its path.
    pub fn parse(
        fields: &Fields<'_>,
        reading: &Reading<'_>,
        offered: Offered<'_>,
        prefix: Option<&Path>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let methods = [
            ("get", Method::Get),
            ("post", Method::Post),
            ("put", Method::Put),
            ("patch", Method::Patch),
            ("delete", Method::Delete),
        ];
        let written: Vec<(Method, &Node)> = methods
            .iter()
            .filter_map(|(word, method)| Some((*method, fields.get(word)?)))
            .collect();
        let (method, path_node) = match written.as_slice() {
            [one] => *one,
            [] => {
                faults
                    .error(
                        ONE_METHOD,
                        fields.node().place(),
                        "this request has no method",
                    )
                    .help("write one of `get:`, `post:`, `put:`, `patch:`, `delete:` with a path");
                return None;
            }
            [_, (_, second), ..] => {
                faults
                    .error(ONE_METHOD, second.place(), "this request has two methods")
                    .help("make it two steps, each with one method");
                return None;
            }
        };
        let before = faults.errors();
        let path = Path::parse(path_node, prefix, reading.names, offered.plain, faults);
        let base = fields
            .get("base")
            .and_then(|node| base_setting(node, offered, faults));
        let query = fields
            .get("query")
            .and_then(|node| reading.value(node, faults));
        let headers = fields
            .get("headers")
            .map(|node| headers(node, reading, faults))
            .unwrap_or_default();
        let body = fields
            .get("body")
            .and_then(|node| reading.value(node, faults));
        let body_kind = match fields.get("as") {
            None => BodyKind::Json("application/json".to_owned()),
            Some(node) => body_kind(node, faults),
        };
        let auth = fields
            .get("auth")
            .and_then(|node| Auth::parse(node, offered, faults));
        (faults.errors() == before).then_some(())?;
        Some(Self {
            method,
            path: path?,
            base,
            query,
            headers,
            body,
            body_kind,
            auth,
            place: fields.node().place(),
        })
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Renders over `scope`: everything but the host and the secrets. `first_url` is the setting that
    /// requests go to when they name no `base`.
    pub fn render<'a>(
        &'a self,
        scope: &'a Scope<'a>,
        texts: &Map<String, Json>,
        first_url: &str,
    ) -> Result<Request, Error> {
        let mut query = Vec::new();
        if let Some(shape) = &self.query
            && let Some(rendered) = shape.render(scope, texts, Absent::Fault)?
        {
            query = pairs(&rendered);
        }
        let mut headers = Vec::new();
        for (name, shape) in &self.headers {
            if let Some(rendered) = shape.render(scope, texts, Absent::Fault)? {
                let leaf = leaf(&rendered, "", &rendered.value);
                if let Leaf::Text(text) = &leaf {
                    untrusted::header(text).map_err(|source| Error::Door {
                        what: name.clone(),
                        source,
                    })?;
                }
                headers.push((name.clone(), leaf));
            }
        }
        let content = match &self.body {
            None => None,
            Some(shape) => shape
                .render(scope, texts, Absent::Fault)?
                .map(|rendered| self.content(rendered)),
        };
        let auth = match (&self.auth, &self.base) {
            (Some(auth), _) => auth.resolve(scope)?,
            (None, Some(_)) => Resolved::None,
            (None, None) => Resolved::Connection,
        };
        Ok(Request {
            method: self.method,
            base: self.base.clone().unwrap_or_else(|| first_url.to_owned()),
            path: self.path.render(scope)?,
            query,
            headers,
            content,
            auth,
        })
    }

    fn content(&self, rendered: Rendered) -> Content {
        match &self.body_kind {
            BodyKind::Form => Content {
                media_type: "application/x-www-form-urlencoded".to_owned(),
                body: Body::Form(pairs(&rendered)),
            },
            BodyKind::Json(media_type) => match rendered.lines {
                Some(lines) => Content {
                    media_type: "application/x-ndjson".to_owned(),
                    body: Body::Bytes(lines.into_bytes()),
                },
                None => Content {
                    media_type: media_type.clone(),
                    body: Body::Json {
                        value: rendered.value,
                        secrets: rendered.secrets,
                    },
                },
            },
        }
    }
}

/// The pairs of a map: lists repeat the key, other values are written as text; null is left out.
fn pairs(rendered: &Rendered) -> Vec<(String, Leaf)> {
    let mut pairs = Vec::new();
    for (key, value) in rendered.value.as_object().into_iter().flatten() {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Json::Array(items) => {
                pairs.extend(
                    items
                        .iter()
                        .map(|item| (key.clone(), Leaf::Text(plain(item)))),
                );
            }
            value => {
                let leaf = leaf(rendered, &pointer, value);
                if leaf != Leaf::Text("null".to_owned()) {
                    pairs.push((key.clone(), leaf));
                }
            }
        }
    }
    pairs
}

fn leaf(rendered: &Rendered, pointer: &str, value: &Json) -> Leaf {
    match rendered
        .secrets
        .iter()
        .find(|secret| secret.pointer == pointer)
    {
        Some(secret) => Leaf::Secret(secret.name.clone()),
        None => Leaf::Text(plain(value)),
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn base_setting(node: &Node, offered: Offered<'_>, faults: &mut Faults) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    if offered.urls.iter().any(|known| known == name) {
        return Some(name.to_owned());
    }
    faults
        .error(
            UNKNOWN_SETTING,
            node.place(),
            format!("`{name}` is not a setting of type `url`"),
        )
        .help(format!(
            "write one of {}; declare others under `settings:` with `is: url`",
            offered.urls.join(", ")
        ));
    None
}

fn body_kind(node: &Node, faults: &mut Faults) -> BodyKind {
    let word = node.as_text().unwrap_or_default();
    BodyKind::from_word(word).unwrap_or_else(|| {
        faults
            .error(UNKNOWN_BODY, node.place(), format!("`{word}` is no way to send a body"))
            .help("write `json`, `form`, `merge-patch`, `json-patch`, `apply-patch`, or a JSON media type");
        BodyKind::Form
    })
}

/// Headers that belong to the transport or to `auth:`.
const OWN_HEADERS: [&str; 7] = [
    "authorization",
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "cookie",
];

fn headers(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Vec<(String, Shape)> {
    let Some(entries) = node.as_map() else {
        faults
            .error(
                BAD_HEADER,
                node.place(),
                format!("`headers` is a map, and this is {}", node.what()),
            )
            .help("write `headers: { X-Name: value }`");
        return Vec::new();
    };
    let mut headers = Vec::new();
    for entry in entries {
        let (written, _) = entry
            .key
            .strip_suffix('?')
            .map_or((entry.key.as_str(), false), |key| (key, true));
        let name = written.to_ascii_lowercase();
        let token = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if !token || OWN_HEADERS.contains(&name.as_str()) {
            faults
                .error(BAD_HEADER, entry.key_place(), format!("`{written}` cannot be set here"))
                .help("credentials go under `auth:`, the kind of body under `as:`; other names are letters, digits and `-`");
            continue;
        }
        if let Some(shape) = reading.value(&entry.value, faults) {
            headers.push((name, shape));
        }
    }
    headers
}

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
                        BAD_AUTH,
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
