//! A request as a manifest describes it: method, path, query, headers, body.

mod auth;

pub use auth::Auth;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::render::Absent;
use super::{
    Auth as Resolved, Body, Content, Error, Leaf, Method, Path, Reading, Rendered, Request, Shape,
};
use crate::diag::{Code, Faults, Place, codes};
use crate::expr::{Object, Scope, Type};
use crate::untrusted;
use crate::yaml::{Fields, Node};

/// No method, or more than one.
const ONE_METHOD: Code = Code("AND0820");

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
            codes::UNKNOWN_SETTING,
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
            .error(codes::UNKNOWN_WORD, node.place(), format!("`{word}` is no way to send a body"))
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
                codes::WRONG_TYPE,
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
                .error(codes::BAD_HEADER, entry.key_place(), format!("`{written}` cannot be set here"))
                .help("credentials go under `auth:`, the kind of body under `as:`; other names are letters, digits and `-`");
            continue;
        }
        if let Some(shape) = reading.value(&entry.value, faults) {
            headers.push((name, shape));
        }
    }
    headers
}
