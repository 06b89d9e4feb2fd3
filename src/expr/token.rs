//! Cutting an expression into tokens.

use std::borrow::Cow;

use crate::diag::{Faults, Fragment};

use super::fault;

/// One token with the bytes it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'s> {
    pub(super) what: What<'s>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What<'s> {
    /// A name or word.
    Name(&'s str),
    /// A whole number without its sign.
    Int(u64),
    /// A number with a point or an exponent.
    Double(f64),
    /// A text, unescaped.
    Text(Cow<'s, str>),
    /// An operator or bracket.
    Sign(&'static str),
    /// After the last token.
    End,
}

/// Longer ones first, so that `<=` is not read as `<`. Those that no expression has are known all
/// the same: the parser says what to write instead.
const SIGNS: [&str; 36] = [
    "===", "!==", "**", "<>", "=>", "=<", "=~", "!~", "==", "!=", "<=", ">=", "&&", "||", "{{",
    "}}", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}",
    "=", "&",
];

/// Cuts the whole text; `None` after reporting what could not be cut.
pub(super) fn cut<'s>(fragment: &'s Fragment, faults: &mut Faults) -> Option<Vec<Token<'s>>> {
    let text = fragment.text.as_str();
    let before = faults.errors();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (what, length) = if let Some((quote, raw, prefix)) = text_begins(rest) {
            read_text(fragment, at, quote, raw, prefix, faults)
        } else if first.is_ascii_digit() {
            read_number(fragment, at, faults)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (
                Some(What::Name(rest.get(..length).unwrap_or_default())),
                length,
            )
        } else if let Some(sign) = sign(rest, &tokens) {
            (Some(What::Sign(sign)), sign.len())
        } else {
            (None, stray(fragment, at, first, faults))
        };
        let end = at + length;
        if let Some(what) = what {
            tokens.push(Token {
                what,
                start: at,
                end,
            });
        }
        at = end;
    }
    tokens.push(Token {
        what: What::End,
        start: text.len(),
        end: text.len(),
    });
    (faults.errors() == before).then_some(tokens)
}

/// `{{` and `}}` are Handlebars at the start of an expression only; else `[{"a": {}}]` is read wrong.
fn sign(rest: &str, tokens: &[Token<'_>]) -> Option<&'static str> {
    let known = SIGNS
        .into_iter()
        .chain(["|"])
        .find(|sign| rest.starts_with(sign))?;
    match known {
        "{{" if !tokens.is_empty() => Some("{"),
        "}}" => Some("}"),
        // `a ? -b : c`, `x[?"k"]` and `!!x` need no care; `a<-b` does not look like any of these.
        other => Some(other),
    }
}

/// The quote a text begins with, whether it is raw, and how many bytes stand before its first.
fn text_begins(rest: &str) -> Option<(char, bool, usize)> {
    let mut characters = rest.chars();
    match (characters.next()?, characters.next()) {
        (quote @ ('"' | '\''), _) => Some((quote, false, 1)),
        ('r' | 'R', Some(quote @ ('"' | '\''))) => Some((quote, true, 2)),
        _ => None,
    }
}

fn read_text<'s>(
    fragment: &'s Fragment,
    at: usize,
    quote: char,
    raw: bool,
    prefix: usize,
    faults: &mut Faults,
) -> (Option<What<'s>>, usize) {
    let body = fragment.text.get(at + prefix..).unwrap_or_default();
    let mut escaped = false;
    let mut has_escapes = false;
    let closed = body.char_indices().find_map(|(offset, c)| {
        if escaped {
            escaped = false;
        } else if c == '\\' && !raw {
            escaped = true;
            has_escapes = true;
        } else if c == quote || c == '\n' {
            return Some((offset, c == quote));
        }
        None
    });
    let Some((length, true)) = closed else {
        let shown = body.get(..closed.map_or(body.len(), |(offset, _)| offset));
        let shown = shown.unwrap_or_default().trim_end();
        let other = if quote == '"' { '\'' } else { '"' };
        let shown = shown.strip_suffix(other).unwrap_or(shown);
        faults
            .error(
                fault::BAD_TEXT,
                fragment.place_of(at, at + prefix + shown.len()),
                "this text is not closed",
            )
            .label(format!("begins with {quote} here"))
            .help(format!(
                "close it with the quote it began with: {quote}{}{quote}",
                crate::untrusted::cut(shown, 24)
            ));
        return (None, fragment.text.len() - at);
    };
    let inside = body.get(..length).unwrap_or_default();
    let whole = prefix + length + quote.len_utf8();
    if !has_escapes {
        return (Some(What::Text(Cow::Borrowed(inside))), whole);
    }
    let what =
        unescape(fragment, at + prefix, inside, faults).map(|text| What::Text(Cow::Owned(text)));
    (what, whole)
}

/// CEL's escapes.
fn unescape(
    fragment: &Fragment,
    begins: usize,
    inside: &str,
    faults: &mut Faults,
) -> Option<String> {
    let mut out = String::with_capacity(inside.len());
    let mut sound = true;
    let mut rest = inside.char_indices();
    while let Some((offset, c)) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some((_, kind)) = rest.next() else {
            continue;
        };
        let after = offset + 1 + kind.len_utf8();
        let mut numbered = |from: usize, digits: usize, radix: u32| {
            let number = inside
                .get(from..from + digits)
                .filter(|text| text.chars().all(|c| c.is_digit(radix)))
                .and_then(|text| u32::from_str_radix(text, radix).ok())
                .and_then(char::from_u32);
            if number.is_some() {
                for _ in 0..(from + digits - after) {
                    rest.next();
                }
            }
            number
        };
        let meant = match kind {
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            '\\' | '?' | '"' | '\'' | '`' => Some(kind),
            'x' | 'X' => numbered(after, 2, 16),
            'u' => numbered(after, 4, 16),
            'U' => numbered(after, 8, 16),
            '0'..='3' => numbered(offset + 1, 3, 8),
            _ => None,
        };
        if let Some(meant) = meant {
            out.push(meant);
        } else {
            sound = false;
            faults
                .error(
                    fault::BAD_TEXT,
                    fragment.place_of(begins + offset, begins + after),
                    format!("`\\{kind}` is no escape here"),
                )
                .help("write `\\\\` for a backslash, or begin the text with r: r\"\\d+\"");
        }
    }
    sound.then_some(out)
}

fn read_number<'s>(
    fragment: &'s Fragment,
    at: usize,
    faults: &mut Faults,
) -> (Option<What<'s>>, usize) {
    let rest = fragment.text.get(at..).unwrap_or_default();
    let digits = |from: usize| {
        rest.get(from..)
            .unwrap_or_default()
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count()
    };
    let hexadecimal = rest
        .strip_prefix("0x")
        .or_else(|| rest.strip_prefix("0X"))
        .map(|hex| hex.bytes().take_while(u8::is_ascii_hexdigit).count())
        .filter(|count| *count > 0);
    let mut length = hexadecimal.map_or_else(|| digits(0), |count| count + 2);
    let mut double = false;
    if hexadecimal.is_none() {
        if rest.get(length..).is_some_and(|r| r.starts_with('.')) && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
            double = true;
        }
        if rest
            .get(length..)
            .is_some_and(|r| r.starts_with(['e', 'E']))
        {
            let sign = usize::from(
                rest.get(length + 1..)
                    .is_some_and(|r| r.starts_with(['+', '-'])),
            );
            if digits(length + 1 + sign) > 0 {
                length += 1 + sign + digits(length + 1 + sign);
                double = true;
            }
        }
    }
    let written = rest.get(..length).unwrap_or_default();
    let tail = rest.get(length..).unwrap_or_default();
    let tail = tail
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map_or(tail, |end| tail.get(..end).unwrap_or_default());
    if !tail.is_empty() {
        let end = length + tail.len();
        let fault = faults.error(
            fault::UNREADABLE,
            fragment.place_of(at + length, at + end),
            format!("a number ends before `{tail}`"),
        );
        match tail {
            "d" | "h" | "m" | "s" | "ms" => {
                fault.help(format!("write `duration(\"{written}{tail}\")`"))
            }
            "u" | "U" => fault.help(format!("write `{written}`: there is one sort of int here")),
            _ => fault.help("put a text in quotes; a name cannot begin with a digit"),
        };
        return (None, end);
    }
    let number = if double {
        written
            .parse()
            .ok()
            .filter(|d: &f64| d.is_finite())
            .map(What::Double)
    } else if hexadecimal.is_some() {
        u64::from_str_radix(written.get(2..).unwrap_or_default(), 16)
            .ok()
            .map(What::Int)
    } else {
        written.parse().ok().map(What::Int)
    };
    if number.is_none() {
        faults
            .error(
                fault::UNREADABLE,
                fragment.place_of(at, at + length),
                "this number is too large",
            )
            .help("write it with an exponent, such as 1e20, if it need not be exact");
    }
    (number, length)
}

/// Reports a character that no expression has. Gives how many bytes it takes: with a quote of a word
/// processor the text up to the quote that closes it, so that it is one fault and not two.
fn stray(fragment: &Fragment, at: usize, found: char, faults: &mut Faults) -> usize {
    let closes: &[char] = match found {
        '“' | '„' => &['”', '“'],
        '‘' => &['’'],
        '«' => &['»'],
        _ => &[],
    };
    let rest = fragment.text.get(at..).unwrap_or_default();
    let inside = rest.get(found.len_utf8()..).unwrap_or_default();
    if let Some((text, _)) = inside.split_once(closes).filter(|_| !closes.is_empty()) {
        let close = inside
            .get(text.len()..)
            .and_then(|rest| rest.chars().next());
        let length = found.len_utf8() + text.len() + close.map_or(0, char::len_utf8);
        faults
            .error(
                fault::UNREADABLE,
                fragment.place_of(at, at + length),
                "these quotes are those of a word processor",
            )
            .help(format!(
                "write straight quotes: \"{}\"",
                crate::untrusted::cut(text, 60)
            ));
        return length;
    }
    let shown = crate::untrusted::person(&found.to_string(), 8);
    let fault = faults.error(
        fault::UNREADABLE,
        fragment.place_of(at, at + found.len_utf8()),
        format!("`{shown}` has no meaning in an expression"),
    );
    match found {
        '“' | '”' | '„' | '«' | '»' => fault.help("write a straight quote: \""),
        '‘' | '’' => fault.help("write a straight quote: '"),
        '`' => fault.help("put a text in \" or ', and write a name as it is"),
        '≥' => fault.help("write `>=`"),
        '≤' => fault.help("write `<=`"),
        '≠' => fault.help("write `!=`"),
        '$' | '@' => fault.help("write the name alone, such as `signal.name`"),
        ';' => fault.help("an expression is one value: there is nothing after it"),
        '\u{a0}' => fault.help("write a plain blank"),
        _ => fault.help("put a text in quotes, and a key of this kind in brackets: x[\"key\"]"),
    };
    found.len_utf8()
}

impl PartialEq<str> for What<'_> {
    fn eq(&self, sign: &str) -> bool {
        matches!(self, Self::Sign(own) if *own == sign)
    }
}

impl PartialEq<&str> for What<'_> {
    fn eq(&self, sign: &&str) -> bool {
        *self == **sign
    }
}
