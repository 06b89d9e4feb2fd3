//! Checking a signature over the raw bytes of a request, as a manifest describes it.

use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::accepts::{Incoming, Refusal};
use crate::connector::{
    Algorithm, Encoding, KeyIs, SentAt, Signature, SignedPart as Part, instant,
};

/// At most this many signatures of one header, and keys of one secret, are tried.
const MOST: usize = 16;

impl Signature {
    /// Checks the signature with each key, then the time. Gives the time of sending where one is signed along.
    pub(super) fn verify(
        &self,
        keys: &SecretString,
        incoming: &Incoming<'_>,
    ) -> Result<Option<Timestamp>, Refusal> {
        let header = incoming.one(&self.header)?;
        let given = self.signatures(header);
        if given.is_empty() {
            return Err(Refusal::WrongSignature {
                header: self.header.clone(),
            });
        }
        let mut unusable = false;
        let mut holds = false;
        for line in lines(keys) {
            let Some(key) = self.decode_key(line) else {
                unusable = true;
                continue;
            };
            let tag = self.sign(&key, header, incoming)?;
            for signature in &given {
                let equal = subtle::ConstantTimeEq::ct_eq(tag.as_ref(), signature.as_slice());
                holds |= bool::from(equal);
            }
        }
        match (holds, unusable) {
            (true, _) => self.in_time(header, incoming),
            (false, true) => Err(Refusal::UnusableKey {
                setting: self.key.clone(),
            }),
            (false, false) => Err(Refusal::WrongSignature {
                header: self.header.clone(),
            }),
        }
    }

    /// The decoded signatures of a header. Blanks and commas part them, but where the prefix itself ends in a comma
    /// (`v1,…`) only blanks do.
    fn signatures(&self, header: &str) -> Vec<Vec<u8>> {
        let comma_parts = !self.prefix.contains(',');
        header
            .split(|character: char| character == ' ' || (comma_parts && character == ','))
            .filter_map(|item| item.trim().strip_prefix(self.prefix.as_str()))
            .filter_map(|text| decode(self.encoding, text))
            .filter(|signature| !signature.is_empty())
            .take(MOST)
            .collect()
    }

    fn decode_key(&self, line: &str) -> Option<hmac::Key> {
        let algorithm = match self.algorithm {
            Algorithm::HmacSha256 => hmac::HMAC_SHA256,
            Algorithm::HmacSha512 => hmac::HMAC_SHA512,
            Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        };
        let key = match self.key_is {
            KeyIs::Text => line.as_bytes().to_vec(),
            KeyIs::Base64 => {
                let line = line.trim();
                decode(
                    Encoding::Base64,
                    line.strip_prefix("whsec_").unwrap_or(line),
                )?
            }
            KeyIs::Hex => decode(Encoding::Hex, line.trim())?,
        };
        (!key.is_empty()).then(|| hmac::Key::new(algorithm, &key))
    }

    fn sign(
        &self,
        key: &hmac::Key,
        header: &str,
        incoming: &Incoming<'_>,
    ) -> Result<hmac::Tag, Refusal> {
        let mut signing = hmac::Context::with_key(key);
        for part in &self.signs.parts {
            match part {
                Part::Text(text) => signing.update(text.as_bytes()),
                Part::Header(name) => signing.update(incoming.one(name)?.as_bytes()),
                Part::Field(name) => signing.update(self.field(header, name)?.as_bytes()),
                Part::Body => signing.update(incoming.body),
            }
        }
        Ok(signing.sign())
    }

    fn in_time(&self, header: &str, incoming: &Incoming<'_>) -> Result<Option<Timestamp>, Refusal> {
        let text = match &self.sent_at {
            None => return Ok(None),
            Some(SentAt::Header(name)) => incoming.one(name)?,
            Some(SentAt::Field(name)) => self.field(header, name)?,
        };
        let sent_at = instant(text).ok_or(Refusal::NoTime)?;
        let off = incoming.now.duration_since(sent_at);
        if off.unsigned_abs() <= self.within {
            return Ok(Some(sent_at));
        }
        let by = off.unsigned_abs().saturating_sub(self.within);
        Err(if off.is_negative() {
            Refusal::TooEarly { by }
        } else {
            Refusal::TooOld { by }
        })
    }

    /// The value after `name=` among the items of the signature's own header; twice is as wrong as never.
    fn field<'h>(&self, header: &'h str, name: &str) -> Result<&'h str, Refusal> {
        let mut found = header
            .split([' ', ','])
            .filter_map(|item| item.split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Refusal::NoField {
                header: self.header.clone(),
                field: name.to_owned(),
            }),
        }
    }
}

/// The secrets of a rotation: one a line.
pub(super) fn lines(secret: &SecretString) -> impl Iterator<Item = &str> {
    secret
        .expose_secret()
        .split('\n')
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.is_empty())
        .take(MOST)
}

fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => BASE64
            .decode(text.as_bytes())
            .or_else(|_| BASE64_NOPAD.decode(text.as_bytes()))
            .ok(),
        Encoding::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
    }
}
