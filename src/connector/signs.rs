//! What a signature is over, and when it says it was made: small templates as data.

use std::str::FromStr;

use jiff::Timestamp;

/// What is signed, such as `{header.x-id}.{header.x-time}.{body}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// In order; joined without anything between them.
    pub parts: Vec<Part>,
}

/// A part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A text as it stands.
    Text(String),
    /// `{header.NAME}`: a header's value, as it came. Lower-case.
    Header(String),
    /// `{field.NAME}`: the value after `NAME=` inside the signature's own header (`t=…,v1=…`).
    Field(String),
    /// `{body}`: the raw bytes.
    Body,
}

/// Where the time of sending stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentAt {
    /// `header.NAME`. Lower-case.
    Header(String),
    /// `field.NAME`, inside the signature's own header.
    Field(String),
}

/// Why a `signs:` or `sent_at:` cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignsError {
    /// A brace without its partner.
    #[error("a `{{` without its `}}`, or the other way round")]
    Unbalanced,
    /// A name that stands for nothing.
    #[error("`{0}` is none of `body`, `header.NAME` and `field.NAME`")]
    Unknown(String),
    /// Without the body, anybody may change it.
    #[error("the body is not signed: `{{body}}` is missing")]
    NoBody,
}

impl FromStr for Signs {
    type Err = SignsError;

    fn from_str(text: &str) -> Result<Self, SignsError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(SignsError::Unbalanced)?;
            push_text(&mut parts, before)?;
            parts.push(match (name, place(name)) {
                ("body", _) => Part::Body,
                (_, Some(SentAt::Header(name))) => Part::Header(name),
                (_, Some(SentAt::Field(name))) => Part::Field(name),
                (unknown, None) => return Err(SignsError::Unknown(unknown.to_owned())),
            });
            rest = after;
        }
        push_text(&mut parts, rest)?;
        if !parts.contains(&Part::Body) {
            return Err(SignsError::NoBody);
        }
        Ok(Self { parts })
    }
}

impl FromStr for SentAt {
    type Err = SignsError;

    fn from_str(text: &str) -> Result<Self, SignsError> {
        place(text).ok_or_else(|| SignsError::Unknown(text.to_owned()))
    }
}

impl Signs {
    /// Whether `sent_at` is covered by the signature. A time that is not signed can be changed by whoever repeats a
    /// request, so that a tolerance on it protects from nothing.
    pub fn covers(&self, sent_at: &SentAt) -> bool {
        self.parts.iter().any(|part| match (part, sent_at) {
            (Part::Header(signed), SentAt::Header(name))
            | (Part::Field(signed), SentAt::Field(name)) => signed == name,
            _ => false,
        })
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), SignsError> {
    if text.contains('}') {
        return Err(SignsError::Unbalanced);
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

fn place(name: &str) -> Option<SentAt> {
    let (kind, name) = name.split_once('.')?;
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    match kind {
        "header" => Some(SentAt::Header(name.to_ascii_lowercase())),
        "field" => Some(SentAt::Field(name.to_owned())),
        _ => None,
    }
}

/// A whole number from here on is milliseconds: as seconds it would be the year 5138.
const FIRST_MILLISECOND: i64 = 100_000_000_000;

/// Reads a time of sending: Unix seconds, Unix milliseconds, or RFC 3339.
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return if number < FIRST_MILLISECOND {
            Timestamp::from_second(number).ok()
        } else {
            Timestamp::from_millisecond(number).ok()
        };
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_template_is_read_into_its_parts() {
        let signs: Signs = "v0:{header.X-Time}:{field.t}{body}".parse().unwrap();
        assert_eq!(
            signs.parts,
            [
                Part::Text("v0:".into()),
                Part::Header("x-time".into()),
                Part::Text(":".into()),
                Part::Field("t".into()),
                Part::Body,
            ]
        );
        assert!(signs.covers(&"header.x-time".parse().unwrap()));
        assert!(!signs.covers(&"header.x-other".parse().unwrap()));
    }

    #[test]
    fn a_template_that_means_nothing_is_refused() {
        for (text, error) in [
            ("{body", SignsError::Unbalanced),
            ("body}{body}", SignsError::Unbalanced),
            ("{heder.x}{body}", SignsError::Unknown("heder.x".into())),
            ("{header.}{body}", SignsError::Unknown("header.".into())),
            ("{header.x}", SignsError::NoBody),
        ] {
            assert_eq!(text.parse::<Signs>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_time_is_seconds_milliseconds_or_rfc_3339() {
        let wanted = "2026-11-23T08:35:28Z".parse::<Timestamp>().ok();
        for text in ["1795422928", "1795422928000", "2026-11-23T09:35:28+01:00"] {
            assert_eq!(instant(text), wanted, "{text}");
        }
        for text in ["", "-5", "soon", "99999999999999999999", "1795422928.5"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_template_is_read_or_refused(text in "[{}a-z.:]{0,30}|\\PC{0,30}") {
            let _ = text.parse::<Signs>();
        }
    }
}
