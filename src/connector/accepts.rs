//! `accepts:` and `signature:`: how a push proves who it is from. Data only; `secret/` does the proving.

use std::time::Duration;

use crate::diag::{Code, Faults};
use crate::yaml::{Fields, Node};

/// A way to let requests in that is none.
const BAD_ACCEPT: Code = Code("AND0410");
/// A signature scheme that is unknown.
const UNKNOWN_SCHEME: Code = Code("AND0411");
/// `signs:` with a part that is none.
const BAD_SIGNS: Code = Code("AND0412");

/// One way to let a request in. Names are settings of type `secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// A signature over the raw body.
    Signature(Box<Signed>),
    /// A header that holds the secret, compared verbatim.
    Header {
        /// Lower-case.
        name: String,
        /// The secret.
        secret: String,
    },
    /// `Authorization: Bearer …`.
    Bearer(String),
    /// `Authorization: Basic …`.
    Basic {
        /// The user, as `user:` gives it, or the setting it names.
        user: String,
        /// The secret.
        password: String,
    },
    /// The last segment of the URL.
    UrlToken(String),
}

/// A signature scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The digest.
    pub algorithm: Algorithm,
    /// The secret.
    pub key: String,
    /// How the secret's text becomes a key.
    pub key_is: KeyIs,
    /// The header that holds signatures, lower-case.
    pub header: String,
    /// What stands before each signature, such as `v1,` or `sha256=`.
    pub prefix: String,
    /// How a signature is written.
    pub encoding: Encoding,
    /// What is signed.
    pub signs: Vec<SignedPart>,
    /// Where the time of signing stands.
    pub sent_at: Option<SentAt>,
    /// How far that time may be from now, either way.
    pub within: Duration,
}

/// A digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-1.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
}

/// How a secret's text becomes a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyIs {
    /// Its UTF-8 bytes.
    Text,
    /// Decoded; a `whsec_` before it is cut off.
    Base64,
    /// Decoded.
    Hex,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648 base 64.
    Base64,
    /// Hexadecimal.
    Hex,
}

/// A part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedPart {
    /// As written.
    Literal(String),
    /// A header's value.
    Header(String),
    /// The time of signing as it stands where `sent_at` says.
    SentAt,
    /// The raw body.
    Body,
}

/// Where the time of signing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentAt {
    /// In a header of its own, lower-case.
    Header(String),
    /// In a `key=value` list of a header, such as `t=…,v1=…`.
    Field {
        /// Lower-case.
        header: String,
        /// Such as `t`.
        key: String,
    },
}

/// Reads `accepts:` (a list) or `signature:` (short for a list of one).
pub fn parse(webhook: &Fields<'_>, secrets: &[String], faults: &mut Faults) -> Vec<Accept> {
    if let Some(node) = webhook.get("signature") {
        return signature(node, secrets, faults).map(|signed| vec![Accept::Signature(Box::new(signed))]).unwrap_or_default();
    }
    let Some(node) = webhook.get("accepts") else { return Vec::new() };
    let Some(items) = node.as_list() else {
        faults
            .error(BAD_ACCEPT, node.place(), format!("`accepts` is a list, and this is {}", node.what()))
            .help("write `accepts:` and under it lines such as `- { bearer: token }`");
        return Vec::new();
    };
    items.iter().filter_map(|item| accept(item, secrets, faults)).collect()
}

fn accept(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<Accept> {
    let fields = Fields::of(node, "a way in", &["signature", "header", "secret", "bearer", "basic", "url_token"], faults)?;
    if let Some(node) = fields.get("signature") {
        return signature(node, secrets, faults).map(|signed| Accept::Signature(Box::new(signed)));
    }
    if let Some(node) = fields.get("bearer") {
        return secret(node, secrets, faults).map(Accept::Bearer);
    }
    if let Some(node) = fields.get("url_token") {
        return secret(node, secrets, faults).map(Accept::UrlToken);
    }
    if let Some(node) = fields.get("basic") {
        let basic = Fields::of(node, "`basic`", &["user", "password"], faults)?;
        let user = basic.required_text("user", "write the user's name, or the setting that holds it", faults)?;
        let password = secret(basic.require("password", "name a setting with `is: secret`", faults)?, secrets, faults)?;
        return Some(Accept::Basic { user: user.trim_start_matches("=settings.").to_owned(), password });
    }
    if let Some(node) = fields.get("header") {
        let name = node.as_text().unwrap_or_default().trim_start_matches("header.").to_ascii_lowercase();
        let secret = secret(fields.require("secret", "name a setting with `is: secret`", faults)?, secrets, faults)?;
        return Some(Accept::Header { name, secret });
    }
    faults
        .error(BAD_ACCEPT, node.place(), "this lets nobody in")
        .help("write one of `bearer: token`, `url_token: token`, `basic: {…}`, `header: x-name` with `secret: token`, `signature: {…}`");
    None
}

fn secret(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    if secrets.iter().any(|known| known == name) {
        return Some(name.to_owned());
    }
    faults
        .error(BAD_ACCEPT, node.place(), format!("`{name}` is not a secret of this connector"))
        .help(if secrets.is_empty() { "declare it under `settings:` with `is: secret`".to_owned() } else { format!("write one of {}", secrets.join(", ")) });
    None
}

const SIGNATURE_KEYS: [&str; 9] = ["scheme", "key", "key_is", "header", "prefix", "encoding", "signs", "sent_at", "within"];

fn signature(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<Signed> {
    let fields = Fields::of(node, "`signature`", &SIGNATURE_KEYS, faults)?;
    let scheme = fields.required_text("scheme", "write `scheme: hmac-sha256`", faults);
    let algorithm = match scheme.as_deref() {
        None => None,
        Some("hmac-sha256") => Some(Algorithm::HmacSha256),
        Some("hmac-sha512") => Some(Algorithm::HmacSha512),
        Some("hmac-sha1") => Some(Algorithm::HmacSha1),
        Some(other) => {
            faults
                .error(UNKNOWN_SCHEME, fields.get("scheme").unwrap_or(node).place(), format!("`{other}` is no signature scheme that Andon knows"))
                .help("write hmac-sha256, hmac-sha512 or hmac-sha1");
            None
        }
    };
    let key = fields.require("key", "name the setting that holds the shared secret", faults).and_then(|node| secret(node, secrets, faults));
    let header = fields.required_text("header", "name the header that holds the signature", faults).map(|name| name.to_ascii_lowercase());
    let key_is = word(&fields, "key_is", &[("text", KeyIs::Text), ("base64", KeyIs::Base64), ("hex", KeyIs::Hex)], KeyIs::Text, faults);
    let encoding = word(&fields, "encoding", &[("base64", Encoding::Base64), ("hex", Encoding::Hex)], Encoding::Hex, faults);
    let header_name = header.clone().unwrap_or_default();
    let sent_at = fields.get("sent_at").map(|node| sent_at(node, &header_name));
    let signs = match fields.get("signs") {
        None => vec![SignedPart::Body],
        Some(node) => signed_parts(node, faults)?,
    };
    if !signs.contains(&SignedPart::Body) {
        faults
            .error(BAD_SIGNS, fields.get("signs").unwrap_or(node).place(), "a signature that does not cover the body proves nothing about it")
            .help("write `{body}` into `signs:`");
    }
    Some(Signed {
        algorithm: algorithm?,
        key: key?,
        key_is,
        header: header?,
        prefix: fields.text("prefix", faults).unwrap_or_default(),
        encoding,
        signs,
        sent_at,
        within: fields.duration("within", faults).unwrap_or(Duration::from_secs(300)),
    })
}

fn word<T: Copy>(fields: &Fields<'_>, key: &'static str, known: &[(&str, T)], otherwise: T, faults: &mut Faults) -> T {
    let Some(node) = fields.get(key) else { return otherwise };
    let written = node.as_text().unwrap_or_default();
    if let Some((_, found)) = known.iter().find(|(word, _)| *word == written) {
        return *found;
    }
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    faults
        .error(UNKNOWN_SCHEME, node.place(), format!("`{key}` cannot be `{written}`"))
        .help(format!("write one of {}", words.join(", ")));
    otherwise
}

fn sent_at(node: &Node, signature_header: &str) -> SentAt {
    let text = node.as_text().unwrap_or_default();
    match text.strip_prefix("field.") {
        Some(key) => SentAt::Field { header: signature_header.to_owned(), key: key.to_owned() },
        None => SentAt::Header(text.trim_start_matches("header.").to_ascii_lowercase()),
    }
}

fn signed_parts(node: &Node, faults: &mut Faults) -> Option<Vec<SignedPart>> {
    let fragment = node.fragment()?;
    let mut parts = Vec::new();
    let mut rest = fragment.text.as_str();
    while let Some(open) = rest.find('{') {
        let (literal, tail) = rest.split_at(open);
        if !literal.is_empty() {
            parts.push(SignedPart::Literal(literal.to_owned()));
        }
        let (name, after) = tail.get(1..).unwrap_or_default().split_once('}').unwrap_or((tail, ""));
        parts.push(match name {
            "body" => SignedPart::Body,
            "sent_at" => SignedPart::SentAt,
            name => match name.strip_prefix("header.") {
                Some(header) => SignedPart::Header(header.to_ascii_lowercase()),
                None => {
                    let at = fragment.text.find(name).unwrap_or(0);
                    faults
                        .error(BAD_SIGNS, fragment.place_of(at, at + name.len()), format!("`{name}` cannot be signed"))
                        .help("write `{body}`, `{sent_at}` or `{header.x-name}`");
                    return None;
                }
            },
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(SignedPart::Literal(rest.to_owned()));
    }
    Some(parts)
}
