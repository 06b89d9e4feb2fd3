//! What the load generator sends: drift report rows of about 1 KB, each with a key of its own.

use std::fmt::Write as _;

/// How a row's name begins in its text; nine digits follow. A receiver finds rows by it.
pub const NAME: &str = "row-";
/// The digits after [`NAME`].
pub const DIGITS: usize = 9;

/// Appends the row with this number, without a line end.
pub fn write(number: usize, out: &mut String) {
    // Every third row has drifted far, every seventh is no test of drift at all.
    let value = if number.is_multiple_of(3) { 0.61 } else { 0.18 };
    let metric = if number.is_multiple_of(7) {
        "MissingValues"
    } else {
        "ValueDrift"
    };
    let _ = write!(
        out,
        concat!(
            r#"{{"id":"row-{number:09}","status":"FAIL","metric":"{metric}","value":{value},"threshold":0.1,"method":"psi","#,
            r#""dataset":"loans","column":"income_{number}","at":"2026-11-23T08:00:00Z","path":"reports/loans/{number}.json","#,
            r#""model":"credit-scorer","environment":"production","version":"17","job":"nightly-drift","rows":48211,"#,
            r#""current":{{"mean":51234.5,"std":10412.25,"min":0.0,"max":412000.0,"nulls":12,"bins":[12,48,130,412,990,1412,1630,1202,640,212,48,9]}},"#,
            r#""reference":{{"mean":48012.25,"std":9980.5,"min":0.0,"max":399500.0,"nulls":7,"bins":[15,60,171,455,1021,1399,1511,1100,588,190,41,6]}},"#,
            r#""tags":{{"team":"credit-risk","owner":"ml-platform@example.com","tier":"1","region":"eu-central","pipeline":"drift-v4"}},"#,
            r#""note":"The distribution of this column differs from its reference by more than the agreed limit. See the report for the bins, the test and the time window that were used."}}"#
        ),
        number = number,
        metric = metric,
        value = value,
    );
}

/// The body of one request: `count` rows from `first`, one a line, each `more` bytes longer.
pub fn body(first: usize, count: usize, more: usize) -> String {
    let mut out = String::with_capacity(count * (1_200 + more));
    for number in first..first + count {
        if number > first {
            out.push('\n');
        }
        write(number, &mut out);
        if more > 0 {
            // Before the last quotation mark, which closes the note.
            let end = out.len() - 2;
            out.insert_str(end, &"drift ".repeat(more / 6));
        }
    }
    out
}

/// The numbers of the rows that a text names, in order, repeats included.
pub fn named_in(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest
                .windows(NAME.len())
                .position(|window| window == NAME.as_bytes())?;
            let digits = rest.get(at + NAME.len()..)?;
            rest = digits;
            let number = digits
                .get(..DIGITS)
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| digits.parse().ok());
            if number.is_some() {
                return number;
            }
        }
    })
}
