//! Where a request goes: a base URL from the settings, a path appended to it (design 7, door 4).

use percent_encoding::percent_decode_str;
use url::Url;

/// Reads a base URL: `http` or `https`, a host, a path perhaps; nothing else.
pub(super) fn base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("it is no URL ({error})"))?;
    let problem = if !matches!(url.scheme(), "http" | "https") {
        "it begins with neither `https://` nor `http://`"
    } else if !url.username().is_empty() || url.password().is_some() {
        "it holds a user or a password; credentials go under settings of their own"
    } else if url.query().is_some() || url.fragment().is_some() {
        "it holds a `?` or a `#`; a base URL ends with its path"
    } else if url.host().is_none() {
        "it has no host"
    } else {
        return Ok(url);
    };
    Err(problem.to_owned())
}

/// Appends `path` and an encoded `query` to the base. The path is never resolved against it: the result has the
/// base's scheme, host and port, and its path begins with the base's path.
pub(super) fn appended(base: &Url, path: &str, query: &str) -> Result<Url, String> {
    check_path(path)?;
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    let mut url = base.clone();
    url.set_path(&whole);
    // What the URL crate would have changed (dots resolved, characters encoded) is not what was checked.
    if url.path() != whole {
        return Err("it is read in more than one way".to_owned());
    }
    url.set_query((!query.is_empty()).then_some(query));
    Ok(url)
}

/// How often a path is decoded to look for what it hides: servers behind proxies decode twice.
const LAYERS: usize = 3;

/// The longest path, in bytes. Servers answer 414 from 8 KiB on, or sooner.
const LONGEST: usize = 8_192;

fn check_path(path: &str) -> Result<(), String> {
    let Some(segments) = path.strip_prefix('/') else {
        return Err("it does not begin with `/`".to_owned());
    };
    if path.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    if let Some(character) = path
        .chars()
        .find(|character| !is_path_character(*character))
    {
        return Err(format!(
            "`{}` must be percent-encoded",
            character.escape_default()
        ));
    }
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        // A trailing slash is the one empty segment that means something.
        if segment.is_empty() && segments.peek().is_some() {
            return Err("it has an empty segment (`//`)".to_owned());
        }
        check_segment(segment)?;
    }
    Ok(())
}

/// RFC 3986, section 3.3: `pchar`, and the slash between segments.
fn is_path_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(character)
}

/// One segment may hold an encoded slash (names such as `org/model` do), but nothing that climbs once a server on the
/// way decodes it, and no control characters.
fn check_segment(segment: &str) -> Result<(), String> {
    check_escapes(segment)?;
    let mut text = segment.as_bytes().to_vec();
    for _ in 0..=LAYERS {
        if text.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots) {
            return Err("a segment is `.` or `..`, perhaps encoded".to_owned());
        }
        if text.iter().any(u8::is_ascii_control) {
            return Err("it holds an encoded control character".to_owned());
        }
        let decoded: Vec<u8> = percent_encoding::percent_decode(&text).collect();
        if decoded == text {
            return Ok(());
        }
        text = decoded;
    }
    Ok(())
}

/// Some servers cut `;…` off a segment before they resolve it, so that `..;x` is `..` to them.
fn is_dots(part: &[u8]) -> bool {
    let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
    matches!(name, b"." | b"..")
}

fn check_escapes(segment: &str) -> Result<(), String> {
    let mut rest = segment;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.as_bytes().get(..2).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err("it holds a `%` that encodes nothing".to_owned());
        }
        rest = after;
    }
    match percent_decode_str(segment).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err("it holds encoded bytes that are not UTF-8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untrusted;
    use proptest::prelude::*;

    fn at(path: &str) -> Result<String, String> {
        let base = base("https://host.example:8443/api/v1/").unwrap();
        appended(&base, path, "").map(String::from)
    }

    #[test]
    fn a_path_is_appended_to_the_base_path() {
        for (path, url) in [
            ("/", "https://host.example:8443/api/v1/"),
            ("/a/b", "https://host.example:8443/api/v1/a/b"),
            ("/a/", "https://host.example:8443/api/v1/a/"),
            (
                "/org%2Fmodel",
                "https://host.example:8443/api/v1/org%2Fmodel",
            ),
            ("/a:b@c;d=e", "https://host.example:8443/api/v1/a:b@c;d=e"),
            ("/x...", "https://host.example:8443/api/v1/x..."),
            ("/%C3%A9", "https://host.example:8443/api/v1/%C3%A9"),
        ] {
            assert_eq!(at(path).as_deref(), Ok(url), "{path}");
        }
    }

    #[test]
    fn a_path_that_leaves_the_base_is_refused() {
        for path in [
            "",
            "a",
            "//evil.example/x",
            "/a//b",
            "/../x",
            "/a/..",
            "/./x",
            "/%2e%2e/x",
            "/.%2E/x",
            "/..%2fx",
            "/a%2f..%2fb",
            "/a%5c..%5cb",
            "/%252e%252e/x",
            "/%25252e%25252e/x",
            "/..;x=1/y",
            "/..%3bx/y",
            "\\evil",
            "/a\\..\\b",
            "/a?b",
            "/a#b",
            "/a b",
            "/a%0d%0aHost:x",
            "/a%00",
            "/a\r\nb",
            "/%",
            "/%zz",
            "/%ff",
            "/é",
            "https://evil.example/",
        ] {
            assert!(at(path).is_err(), "{path:?} gave {:?}", at(path));
        }
    }

    #[test]
    fn a_base_is_a_host_and_a_path_and_nothing_else() {
        for text in [
            "ftp://host",
            "host",
            "https://",
            "https://user@host/",
            "https://user:pass@host/",
            "https://host/?a=b",
            "https://host/#x",
            "file:///etc/passwd",
        ] {
            assert!(base(text).is_err(), "{text}");
        }
        let (hidden, refused) = ("https://u:planted@host/", "planted");
        assert!(!base(hidden).unwrap_err().contains(refused));
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_base(path in "(/|\\.|%2e|%2F|%5c|;|\\\\|\\?|#|@|:|[a-z]|%25|%0a|\\PC){0,24}") {
            if let Ok(url) = at(&path) {
                let url = Url::parse(&url).unwrap();
                prop_assert_eq!(url.host_str(), Some("host.example"));
                prop_assert_eq!(url.port(), Some(8443));
                prop_assert!(url.path().starts_with("/api/v1/"));
                prop_assert_eq!(url.query(), None);
                prop_assert_eq!(url.fragment(), None);
                // However often it is decoded and resolved, it stays below the base.
                let mut text = url.path().to_owned();
                for _ in 0..3 {
                    text = percent_decode_str(&text).decode_utf8_lossy().replace('\\', "/");
                    let mut depth = 0_i32;
                    for segment in text.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
                        depth += if segment == ".." { -1 } else { 1 };
                        prop_assert!(depth >= 0);
                    }
                    prop_assert!(!text.contains("/../"));
                }
            }
        }

        #[test]
        fn a_segment_made_of_foreign_text_comes_back_as_one_leaf(text in any::<String>()) {
            if let Ok(segment) = untrusted::path_segment(&text)
                && let Ok(url) = at(&format!("/models/{segment}/stop"))
            {
                let url = Url::parse(&url).unwrap();
                let segments: Vec<&str> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 5);
                let back = percent_decode_str(segments[3]).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(back, text);
            }
        }
    }
}
