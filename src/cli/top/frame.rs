//! How a look is drawn: a table that fits the terminal, or a block of plain lines.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::look::{Row, Seen};
use crate::cli::shown;

/// The widest name of a connection, in columns.
const NAME: usize = 24;
/// The columns, and whether each is of numbers.
const HEADS: [(&str, bool); 9] = [
    ("CONNECTION", false),
    ("STATE", false),
    ("SIGNALS/S", true),
    ("STUCK", true),
    ("DELIVERED/S", true),
    ("WAITING", true),
    ("OLDEST", true),
    ("DEAD", true),
    ("LAST ERROR", false),
];

/// A line, without an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    tone: Tone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Bold,
    /// Somebody has to do something.
    Red,
    /// It may pass.
    Yellow,
}

/// What was seen, as lines of any length.
pub(super) fn lines(seen: &Seen, url: &str) -> Vec<Line> {
    let count = match seen.rows.len() {
        1 => "1 connection".to_owned(),
        count => format!("{} connections", shown::count(count)),
    };
    let head = format!("{}  {}  {count}", seen.at, shown::text(url));
    let mut out = vec![line(head, Tone::Plain)];
    if !seen.no_room.is_empty() {
        let text = format!("signals are refused: {}", seen.no_room);
        out.push(line(text, Tone::Red));
    }
    let heads = HEADS.map(|(head, _)| head.to_owned());
    let mut cells = vec![(heads, Tone::Bold)];
    cells.extend(seen.rows.iter().map(|row| (row_cells(row), tone(row))));
    let widths: Vec<usize> = (0..HEADS.len())
        .map(|column| {
            let of = cells.iter().filter_map(|(cells, _)| cells.get(column));
            of.map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    out.extend(cells.into_iter().map(|(cells, tone)| {
        let mut text = String::new();
        for ((cell, wide), (_, is_number)) in cells.iter().zip(&widths).zip(HEADS) {
            let blanks = " ".repeat(wide.saturating_sub(cell.width()));
            let (before, after) = if is_number {
                (blanks, String::new())
            } else {
                (String::new(), blanks)
            };
            text.extend([before.as_str(), cell, after.as_str(), "  "]);
        }
        line(text.trim_end().to_owned(), tone)
    }));
    out
}

/// That the daemon could not be asked.
pub(super) fn fault(why: &str, url: &str) -> Vec<Line> {
    vec![
        line(shown::text(url), Tone::Plain),
        line(shown::text(why), Tone::Red),
    ]
}

/// Lines that are not on a terminal, as long as they are, and an empty one.
pub(super) fn block(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        out.extend([line.text.as_str(), "\n"]);
    }
    out + "\n"
}

/// Lines drawn over those that stand on a screen of `columns` and `rows`.
pub(super) fn paint(lines: &[Line], (columns, rows): (usize, usize), color: bool) -> String {
    let mut out = "\x1b[H".to_owned();
    let all_fit = lines.len() <= rows;
    let shown = if all_fit {
        lines.len()
    } else {
        rows.saturating_sub(1)
    };
    let more = line(
        format!("and {} more", lines.len().saturating_sub(shown)),
        Tone::Plain,
    );
    let last = (!all_fit).then_some(&more);
    for (number, line) in lines.iter().take(shown).chain(last).enumerate() {
        // No line end after the last one: it would scroll a full screen.
        out.push_str(if number == 0 { "\x1b[K" } else { "\r\n\x1b[K" });
        let text = fit(&line.text, columns);
        match (color, line.tone) {
            (false, _) | (_, Tone::Plain) => out.push_str(&text),
            (true, Tone::Bold) => out.extend(["\x1b[1m", &text, "\x1b[0m"]),
            (true, Tone::Red) => out.extend(["\x1b[31m", &text, "\x1b[0m"]),
            (true, Tone::Yellow) => out.extend(["\x1b[33m", &text, "\x1b[0m"]),
        }
    }
    out + "\x1b[J"
}

/// Cut to so many columns of a terminal, wide characters counted as two.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut wide = 1;
    for grapheme in text.graphemes(true) {
        wide += grapheme.width();
        if wide > columns {
            break;
        }
        out.push_str(grapheme);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

fn line(text: String, tone: Tone) -> Line {
    Line { text, tone }
}

fn tone(row: &Row) -> Tone {
    match row.state {
        "ok" => Tone::Plain,
        "stopped" => Tone::Red,
        _ => Tone::Yellow,
    }
}

fn row_cells(row: &Row) -> [String; 9] {
    let number = |count: Option<u64>| {
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.map(shown::count).unwrap_or_default()
    };
    [
        fit(&row.name, NAME),
        row.state.to_owned(),
        row.signals.map(rate).unwrap_or_default(),
        number(Some(row.stuck).filter(|stuck| *stuck > 0)),
        row.delivered.map(rate).unwrap_or_default(),
        number(row.waiting),
        row.oldest_seconds.map(shown::span).unwrap_or_default(),
        number(row.dead),
        row.last_error.clone(),
    ]
}

/// What came in ten seconds, for one: with a decimal below a hundred.
fn rate(in_ten_seconds: u64) -> String {
    let (whole, tenth) = (in_ten_seconds / 10, in_ten_seconds % 10);
    if whole < 100 {
        return format!("{whole}.{tenth}");
    }
    shown::count(usize::try_from(whole).unwrap_or(usize::MAX))
}
