//! From text to a document: one pass, without taking memory for each text.
//!
//! It takes only what `serde_json` takes, and gives what that gives; a property holds it to that. What
//! is rare (escapes, large numbers and exponents) is handed to `serde_json` piece by piece.

use std::ops::Range;

use crate::json::plain;

use super::{Document, FEW, Node, length, number_of, place_of};

/// Nodes for which room is made at first at most.
const ROOM: usize = 4_096;

pub(super) fn read(text: &str, deepest: usize, most: usize) -> Option<Document> {
    let mut document = Document::empty();
    // What resolved escapes add is seldom more than the rest.
    document.text.reserve_exact(text.len() + 64);
    document.text.push_str(text);
    document.nodes.reserve((text.len() / 8).min(ROOM));
    let mut reader = Reader {
        text,
        at: 0,
        document,
        left: most,
    };
    reader.value(deepest)?;
    reader.peek().is_none().then_some(reader.document)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    document: Document,
    /// How many more brackets and commas there may be.
    left: usize,
}

impl Reader<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn pay(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        Some(())
    }

    fn value(&mut self, deeper: usize) -> Option<()> {
        let node = match self.peek()? {
            b'"' => self.string()?,
            b'{' => return self.map(deeper.checked_sub(1)?),
            b'[' => return self.list(deeper.checked_sub(1)?),
            b't' => self.word("true", Node::Bool(true))?,
            b'f' => self.word("false", Node::Bool(false))?,
            b'n' => self.word("null", Node::Null)?,
            _ => self.number()?,
        };
        self.document.nodes.push(node);
        Some(())
    }

    fn word(&mut self, word: &str, node: Node) -> Option<Node> {
        let found = self.rest().starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(node)
    }

    fn list(&mut self, deeper: usize) -> Option<()> {
        let at = self.document.open();
        self.at += 1;
        self.pay()?;
        let mut count = 0;
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            loop {
                self.value(deeper)?;
                count += 1;
                if self.ends(b']')? {
                    break;
                }
            }
        }
        let end = length(&self.document.nodes);
        self.document.fill(at, Node::List { count, end });
        Some(())
    }

    /// Whether a list or map is closed here; a comma says that it goes on.
    fn ends(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == close {
            return Some(true);
        }
        (byte == b',').then_some(())?;
        self.pay()?;
        Some(false)
    }

    fn map(&mut self, deeper: usize) -> Option<()> {
        let at = self.document.open();
        self.at += 1;
        self.pay()?;
        let mut count = 0;
        let mut marks = 0_u64;
        if self.peek()? == b'}' {
            self.at += 1;
        } else {
            loop {
                self.peek()?;
                let key = self.string()?;
                self.document.nodes.push(key);
                if count < FEW && self.is_twice(at, count, &mut marks) {
                    return None;
                }
                self.take(b':')?;
                self.value(deeper)?;
                count += 1;
                if self.ends(b'}')? {
                    break;
                }
            }
        }
        let end = length(&self.document.nodes);
        self.document
            .fill(at, Node::Map { count, end })
            .then_some(())
    }

    /// Whether the last node is a key that the map at `at` has among its first `count`. Keys that have
    /// marks of their own are not compared.
    fn is_twice(&self, at: u32, count: u32, marks: &mut u64) -> bool {
        let document = &self.document;
        let last = length(&document.nodes) - 1;
        let key = document.text_at(last).as_bytes();
        let mark = 1_u64 << (sum(key) % 64);
        let perhaps = *marks & mark != 0;
        *marks |= mark;
        if !perhaps {
            return false;
        }
        let mut known = at + 1;
        for _ in 0..count {
            if document.is_text(known, key) {
                return true;
            }
            known = document.after(known + 1);
        }
        false
    }

    /// A text, from its first quotation mark to its last.
    fn string(&mut self) -> Option<Node> {
        (self.byte()? == b'"').then_some(())?;
        let opened = self.at;
        self.at += 1;
        let from = self.at;
        self.at += plain(self.rest());
        match self.byte()? {
            b'"' => {
                let to = self.at;
                self.at += 1;
                Some(Node::Text {
                    from: place_of(from),
                    to: place_of(to),
                })
            }
            b'\\' => self.escaped(opened),
            _ => None,
        }
    }

    fn escaped(&mut self, opened: usize) -> Option<Node> {
        loop {
            match self.byte()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
            self.at += plain(self.rest());
        }
        self.at += 1;
        let text: String = serde_json::from_str(self.written(opened..self.at)?).ok()?;
        Some(self.document.keep(&text))
    }

    fn written(&self, range: Range<usize>) -> Option<&str> {
        self.text.get(range)
    }

    fn number(&mut self) -> Option<Node> {
        if let Some((node, length)) = simple(self.rest()) {
            self.at += length;
            return Some(node);
        }
        let from = self.at;
        self.at += self
            .rest()
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(self.text.len() - from);
        let number = serde_json::from_str(self.written(from..self.at)?).ok()?;
        Some(number_of(&number))
    }
}

/// A few digits, perhaps with a point among them: what can be read exactly without care. With it how
/// many bytes it takes.
fn simple(text: &[u8]) -> Option<(Node, usize)> {
    /// Fewer digits than the doubles that are whole numbers have.
    const DIGITS: usize = 15;
    /// Each is exact as a double, so that a division by it rounds once.
    const TENS: [f64; DIGITS + 1] = [
        1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (digits, negative) = match text {
        // There are two zeros among doubles.
        [b'-', b'0', ..] => return None,
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    if let [b'0', b'0'..=b'9', ..] = digits {
        return None;
    }
    let mut whole: i64 = 0;
    let mut read = 0;
    let mut point = None;
    for byte in digits {
        match byte {
            b'0'..=b'9' if read < DIGITS => {
                whole = whole * 10 + i64::from(byte - b'0');
                read += 1;
            }
            b'.' if point.is_none() => point = Some(read),
            b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' => return None,
            _ => break,
        }
    }
    let whole = if negative { -whole } else { whole };
    let length = usize::from(negative) + read + usize::from(point.is_some());
    match point {
        None if read > 0 => Some((Node::Int(whole), length)),
        Some(point) if 0 < point && point < read => {
            let double = exact_double(whole) / TENS.get(read - point)?;
            Some((Node::Double(double), length))
        }
        _ => None,
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the caller gives fewer than 2^53, which are doubles all of them"
)]
fn exact_double(whole: i64) -> f64 {
    whole as f64
}

/// Tells most keys of one map apart.
fn sum(key: &[u8]) -> usize {
    let byte = |byte: Option<&u8>| byte.copied().map_or(0, usize::from);
    key.len() * 7 + byte(key.first()) * 3 + byte(key.get(key.len() / 2)) * 5 + byte(key.last()) * 11
}
