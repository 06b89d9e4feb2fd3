//! `accepts:` and `signature:`: how a push proves who it is from. Data only; `secret/` does the proving.

use std::time::Duration;

use super::signs::{SentAt, Signs};
use crate::diag::{Code, Faults, codes};
use crate::shape::Leaf;
use crate::yaml::{Fields, Node};

/// Two ways in where one is meant.
pub(super) const TWO_WAYS: Code = Code("AND0410");
/// The time of signing is not part of what is signed.
const NOT_SIGNED: Code = Code("AND0415");
/// `signs:` with a part that is none.
const BAD_SIGNS: Code = Code("AND0412");

/// What a connection accepts. The first scheme that fits wins; with no scheme nothing is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepts {
    /// In the order they are tried.
    pub schemes: Vec<Scheme>,
}

/// One way for a request to show where it comes from. Secrets are named by setting; each may hold several, one a line,
/// while they are rotated. A scheme whose secret is not given fits nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// A signature over the raw body.
    Signature(Signature),
    /// A header that holds the secret as it is.
    Header {
        /// Lower-case.
        name: String,
        /// The setting.
        secret: String,
    },
    /// `Authorization: Bearer …`.
    Bearer {
        /// The setting.
        secret: String,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: Leaf,
        /// The setting.
        password: String,
    },
    /// The last segment of the URL: `POST /v1/signals/<connection>/<token>`.
    UrlToken {
        /// The setting.
        secret: String,
    },
    /// Nothing is asked for. Stands only where an admin wrote so.
    Anyone,
}

/// A signature as a manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// With what it is made.
    pub algorithm: Algorithm,
    /// The setting whose secret is the key; one key a line while keys are rotated.
    pub key: String,
    /// How the key is written.
    pub key_is: KeyIs,
    /// The header it stands in. Lower-case.
    pub header: String,
    /// What stands before each signature, such as `v1,` or `sha256=`; those with another are passed over.
    pub prefix: String,
    /// How the signature is written.
    pub encoding: Encoding,
    /// What is signed.
    pub signs: Signs,
    /// Where the time of sending stands, if the vendor says it.
    pub sent_at: Option<SentAt>,
    /// How far that time may be from ours, both ways.
    pub within: Duration,
}

/// The algorithms vendors use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Nearly all of them.
    HmacSha256,
    /// Some.
    HmacSha512,
    /// Old ones. Sound for HMAC, if not for much else.
    HmacSha1,
}

/// How a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyIs {
    /// Its text is the key.
    Text,
    /// Base64; the `whsec_` of Standard Webhooks is taken off first.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// With or without padding.
    Base64,
    /// Either case.
    Hex,
}

/// Reads `accepts:` (a list) or `signature:` (short for a list of one).
pub fn parse(webhook: &Fields<'_>, secrets: &[String], faults: &mut Faults) -> Accepts {
    let schemes = if let Some(node) = webhook.get("signature") {
        signature(node, secrets, faults)
            .map(|signed| vec![Scheme::Signature(signed)])
            .unwrap_or_default()
    } else if let Some(node) = webhook.get("accepts") {
        accepts(node, secrets, faults)
    } else {
        Vec::new()
    };
    Accepts { schemes }
}

fn accepts(node: &Node, secrets: &[String], faults: &mut Faults) -> Vec<Scheme> {
    if node.as_text() == Some("anyone") {
        return vec![Scheme::Anyone];
    }
    let Some(items) = node.as_list() else {
        faults
            .error(codes::WRONG_TYPE, node.place(), format!("`accepts` is a list, and this is {}", node.what()))
            .help("write `accepts:` and under it lines such as `- { bearer: token }`; `accepts: anyone` lets everybody in, on loopback only");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| accept(item, secrets, faults))
        .collect()
}

fn accept(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<Scheme> {
    let fields = Fields::of(
        node,
        "a way in",
        &[
            "signature",
            "header",
            "secret",
            "bearer",
            "basic",
            "url_token",
        ],
        faults,
    )?;
    let ways = ["signature", "bearer", "url_token", "basic", "header"];
    let named: Vec<&str> = ways
        .into_iter()
        .filter(|way| fields.get(way).is_some())
        .collect();
    if let [first, second, ..] = named.as_slice() {
        faults
            .error(
                TWO_WAYS,
                node.place(),
                format!("`{first}` and `{second}` are two ways in"),
            )
            .help("write each on a line of its own; the first that fits lets a request in");
        return None;
    }
    if let Some(node) = fields.get("signature") {
        return signature(node, secrets, faults).map(Scheme::Signature);
    }
    if let Some(node) = fields.get("bearer") {
        return secret(node, secrets, faults).map(|secret| Scheme::Bearer { secret });
    }
    if let Some(node) = fields.get("url_token") {
        return secret(node, secrets, faults).map(|secret| Scheme::UrlToken { secret });
    }
    if let Some(node) = fields.get("basic") {
        let basic = Fields::of(node, "`basic`", &["user", "password"], faults)?;
        let user = basic.required_text(
            "user",
            "write the user's name, or the secret that holds it",
            faults,
        )?;
        let password = secret(
            basic.require("password", "name a setting with `is: secret`", faults)?,
            secrets,
            faults,
        )?;
        let user = if secrets.contains(&user) {
            Leaf::Secret(user)
        } else {
            Leaf::Text(user)
        };
        return Some(Scheme::Basic { user, password });
    }
    if let Some(node) = fields.get("header") {
        let name = header_name(node, faults)?;
        let secret = secret(
            fields.require("secret", "name a setting with `is: secret`", faults)?,
            secrets,
            faults,
        )?;
        return Some(Scheme::Header { name, secret });
    }
    faults
        .error(super::parse::WEBHOOK, node.place(), "this lets nobody in")
        .help("write one of `bearer: token`, `url_token: token`, `basic: {…}`, `header: x-name` with `secret: token`, `signature: {…}`");
    None
}

fn secret(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<String> {
    let name = node.as_text().unwrap_or_default();
    if secrets.iter().any(|known| known == name) {
        return Some(name.to_owned());
    }
    faults
        .error(
            codes::UNKNOWN_SECRET,
            node.place(),
            format!("`{name}` is not a secret of this connector"),
        )
        .help(if secrets.is_empty() {
            "declare it under `settings:` with `is: secret`".to_owned()
        } else {
            format!("write one of {}", secrets.join(", "))
        });
    None
}

/// The name of a header, lower-case.
fn header_name(node: &Node, faults: &mut Faults) -> Option<String> {
    let text = node.as_text().unwrap_or_default();
    let name = text.trim_start_matches("header.").to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        return Some(name);
    }
    faults
        .error(
            codes::BAD_HEADER,
            node.place(),
            format!("`{text}` is no name of a header"),
        )
        .help("write such as `header: x-signature`");
    None
}

const SIGNATURE_KEYS: [&str; 9] = [
    "scheme", "key", "key_is", "header", "prefix", "encoding", "signs", "sent_at", "within",
];

fn signature(node: &Node, secrets: &[String], faults: &mut Faults) -> Option<Signature> {
    let fields = Fields::of(node, "`signature`", &SIGNATURE_KEYS, faults)?;
    let start = faults.errors();
    let algorithms = [
        ("hmac-sha256", Algorithm::HmacSha256),
        ("hmac-sha512", Algorithm::HmacSha512),
        ("hmac-sha1", Algorithm::HmacSha1),
    ];
    fields.require("scheme", "write `scheme: hmac-sha256`", faults);
    let algorithm = word(
        &fields,
        "scheme",
        &algorithms,
        Algorithm::HmacSha256,
        faults,
    );
    let key = fields
        .require(
            "key",
            "name the setting that holds the shared secret",
            faults,
        )
        .and_then(|node| secret(node, secrets, faults));
    let header = fields
        .require("header", "name the header that holds the signature", faults)
        .and_then(|node| header_name(node, faults));
    let key_is = word(
        &fields,
        "key_is",
        &[
            ("text", KeyIs::Text),
            ("base64", KeyIs::Base64),
            ("hex", KeyIs::Hex),
        ],
        KeyIs::Text,
        faults,
    );
    let encoding = word(
        &fields,
        "encoding",
        &[("base64", Encoding::Base64), ("hex", Encoding::Hex)],
        Encoding::Hex,
        faults,
    );
    let said = |key: &'static str, otherwise: &str| {
        fields
            .get(key)
            .and_then(Node::as_text)
            .unwrap_or(otherwise)
            .to_owned()
    };
    let signs = said("signs", "{body}").parse::<Signs>().map_err(|error| {
        let place = fields.get("signs").unwrap_or(node).place();
        faults
            .error(BAD_SIGNS, place, format!("this cannot be signed: {error}"))
            .help("write such as \"{header.x-id}.{header.x-timestamp}.{body}\"");
    });
    let sent_at = match fields.get("sent_at") {
        None => None,
        Some(node) => {
            let read = node.as_text().unwrap_or_default().parse::<SentAt>().ok();
            if read.is_none() {
                faults
                    .error(BAD_SIGNS, node.place(), "the time of signing stands in no such place")
                    .help("write `header.x-timestamp`, or `field.t` for a `t=…` inside the signature's own header");
            }
            read
        }
    };
    if let (Ok(signs), Some(sent_at)) = (&signs, &sent_at)
        && !signs.covers(sent_at)
    {
        faults
            .error(
                NOT_SIGNED,
                fields.get("sent_at").unwrap_or(node).place(),
                "this time is not signed, so whoever repeats a request could change it",
            )
            .help("take `sent_at:` out, or name what `signs:` holds");
    }
    (faults.errors() == start).then_some(())?;
    Some(Signature {
        algorithm,
        key: key?,
        key_is,
        header: header?,
        prefix: said("prefix", ""),
        encoding,
        signs: signs.ok()?,
        sent_at,
        within: fields
            .duration("within", faults)
            .unwrap_or(Duration::from_mins(5)),
    })
}

/// A key that takes one of a few words.
pub(super) fn word<T: Copy>(
    fields: &Fields<'_>,
    key: &'static str,
    known: &[(&str, T)],
    otherwise: T,
    faults: &mut Faults,
) -> T {
    let Some(node) = fields.get(key) else {
        return otherwise;
    };
    let Some(written) = fields.text(key, faults) else {
        return otherwise;
    };
    if let Some((_, found)) = known.iter().find(|(word, _)| *word == written) {
        return *found;
    }
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    faults
        .error(
            codes::UNKNOWN_WORD,
            node.place(),
            format!("`{key}` cannot be `{written}`"),
        )
        .help(format!("write one of {}", words.join(", ")));
    otherwise
}
