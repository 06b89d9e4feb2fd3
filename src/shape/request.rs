//! A request as data: everything but the host and the secrets, which only `web/` puts in.

use serde_json::Value;

/// The name of a setting that is a secret. The secret itself is in `secret/`.
pub type SecretName = String;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or does.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request, rendered: what a dry run shows and what `web/` sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The setting of type `url` whose host, port and base path it goes to.
    pub base: String,
    /// Appended to the base path: begins with `/`, segments percent-encoded, no `.` or `..`.
    pub path: String,
    /// In the order written.
    pub query: Vec<(String, Leaf)>,
    /// Lower-case names, values already through `untrusted::header`.
    pub headers: Vec<(String, Leaf)>,
    /// What is sent, if anything.
    pub content: Option<Content>,
    /// How the caller is made known.
    pub auth: Auth,
}

/// A text, or a secret that stands where a text would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// A text.
    Text(String),
    /// The secret of that name, put in by `web/`. An optional secret that is not given leaves the leaf out.
    Secret(SecretName),
}

/// A request's body.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Its `Content-Type`.
    pub media_type: String,
    /// What it says.
    pub body: Body,
}

/// What a body says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// JSON with secrets still to be put in.
    Json {
        /// The value; null where a secret goes.
        value: Value,
        /// Where the secrets go.
        secrets: Vec<SecretAt>,
    },
    /// `application/x-www-form-urlencoded` pairs.
    Form(Vec<(String, Leaf)>),
    /// Bytes as they are, such as a batch.
    Bytes(Vec<u8>),
}

/// A place in a JSON body that a secret goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretAt {
    /// A JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The secret's name.
    pub name: SecretName,
}

/// How a caller is made known, with settings already put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// As the connection says under `auth:`.
    Connection,
    /// `Authorization: Bearer …`.
    Bearer(SecretName),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: Leaf,
        /// The password.
        password: SecretName,
    },
    /// A header of its own: `name: [scheme ]secret`.
    Header {
        /// Lower-case.
        name: String,
        /// Such as `Splunk`.
        scheme: Option<String>,
        /// The secret.
        secret: SecretName,
    },
    /// OAuth2 client credentials (RFC 6749, section 4.4): one token, cached until shortly before it ends.
    OAuth2 {
        /// Where tokens are had.
        token_url: String,
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: SecretName,
        /// What for.
        scope: Option<String>,
    },
}
