//! The API's own tokens: printed once, kept as a digest.

use aws_lc_rs::rand::SecureRandom;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use secrecy::{ExposeSecret, SecretString};

/// A new token, and what `andon.yaml` keeps of it.
#[derive(Debug)]
pub struct Token {
    text: SecretString,
    /// `sha256:<hex>`, the value of `token: { hash: … }`.
    pub hash: String,
}

/// 256 bits of chance: nobody guesses a token, so that a plain digest is enough to keep it.
const BYTES: usize = 32;

impl Token {
    /// Makes a token from the system's source of chance; fails when that has none.
    pub fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; BYTES];
        aws_lc_rs::rand::SystemRandom::new().fill(&mut bytes)?;
        let text = format!("andon_{}", BASE64URL_NOPAD.encode(&bytes));
        Ok(Self {
            hash: hash(&text),
            text: SecretString::from(text),
        })
    }

    /// The token itself (`andon_…`), to be printed once and kept nowhere.
    pub fn print_once(self) -> String {
        self.text.expose_secret().to_owned()
    }
}

/// `sha256:<hex>` of a token.
pub fn hash(token: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    format!("sha256:{}", HEXLOWER.encode(digest.as_ref()))
}

/// Which of `hashes` is the one of `token`. Looks at every one of them, each in constant time, so that the time taken
/// tells neither whether nor where one was found.
pub fn matching<'h>(token: &str, hashes: impl IntoIterator<Item = &'h str>) -> Option<usize> {
    let wanted = hash(token);
    let mut found = None;
    for (index, known) in hashes.into_iter().enumerate() {
        let equal: bool = subtle::ConstantTimeEq::ct_eq(known.as_bytes(), wanted.as_bytes()).into();
        if equal {
            found = Some(index);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash() {
        let token = Token::new().unwrap();
        let kept = token.hash.clone();
        assert!(kept.starts_with("sha256:") && kept.len() == 71);
        let text = token.print_once();
        assert!(text.starts_with("andon_") && text.len() == 49);
        let others = [hash("a"), kept, hash("b")];
        let hashes = || others.iter().map(String::as_str);
        assert_eq!(matching(&text, hashes()), Some(1));
        assert_eq!(matching("andon_x", hashes()), None);
        assert_eq!(matching("", hashes()), None);
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let token = Token::new().unwrap();
        let shown = format!("{token:?}");
        assert!(!shown.contains(&token.print_once()));
    }

    #[test]
    fn a_hash_is_the_published_one() {
        // FIPS 180-4, the digest of `abc`.
        assert_eq!(
            hash("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
