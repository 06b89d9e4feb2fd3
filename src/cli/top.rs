//! `andon top`: the flow by connection, live: drawn anew in place on a terminal, else one block of
//! lines each interval.

mod frame;
mod look;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::Value as Json;

use super::api::{Api, Error};
use super::{Ended, Format, Where, output};
use crate::clock::Clock;
use crate::yaml;
use look::Seen;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// How often to look, such as 2s
    #[arg(long, default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Look twice, an interval apart, say what was seen, and end
    #[arg(long)]
    once: bool,
    /// For a person, or one JSON object a line for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Where everything that is shown is from.
const PATH: &str = "/v1/connections";
/// The daemon reads its store at each look; oftener than this shows nobody more.
const SHORTEST: Duration = Duration::from_millis(100);
/// The screen where the terminal does not tell.
const SCREEN: (usize, usize) = (80, 24);
/// The other screen, so that what stood on the terminal comes back; and no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Undoes [`ENTER`].
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

fn interval(typed: &str) -> Result<Duration, String> {
    match yaml::duration(typed) {
        Some(every) if every >= SHORTEST => Ok(every),
        Some(_) => Err("write 100ms or more".to_owned()),
        None => Err("write a number with a unit, such as 2s".to_owned()),
    }
}

/// Looks and shows until somebody interrupts.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    let clock = Clock::system();
    let out = std::io::stdout();
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let is_text = typed.format == Format::Text;
    let mut view = View {
        typed,
        url: api.url(),
        is_live: is_text && !typed.once && out.is_terminal() && !is_dumb,
        color: out.is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        screen: None,
        before: None,
    };
    let mut failed = None;
    let watched = api.watch(PATH, typed.interval, |answer| {
        match view.take(answer, clock.steady()) {
            Ok(shown) => shown,
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    // What follows belongs on the screen that was there before.
    drop(view);
    if watched.is_err() {
        bail!("signals of the system cannot be waited for");
    }
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(Ended::Fine),
    }
}

struct View<'a> {
    typed: &'a Typed,
    url: &'a str,
    is_live: bool,
    color: bool,
    screen: Option<Screen>,
    /// The last answer, and when it was had.
    before: Option<(Json, Duration)>,
}

impl View<'_> {
    /// Shows an answer. An error ends everything only where there was no answer before it: a daemon
    /// that is started again comes back.
    fn take(
        &mut self,
        answer: Result<Json, Error>,
        steady: Duration,
    ) -> Result<ControlFlow<()>, Error> {
        let is_first = self.before.is_none();
        let json = match answer {
            Ok(json) => json,
            Err(error) if is_first || self.typed.once => return Err(error),
            Err(error) => return Ok(self.fault(&error.to_string())),
        };
        let before = self.before.take();
        let before = before
            .as_ref()
            .map(|(json, at)| (json, steady.saturating_sub(*at)));
        let seen = Seen::new(before, &json);
        self.before = Some((json, steady));
        // Without a look before it there are no rates.
        if is_first && !self.is_live {
            return Ok(ControlFlow::Continue(()));
        }
        let shown = match self.typed.format {
            Format::Json => output::try_text(&(output::json_line(&seen.to_json()) + "\n")),
            Format::Text if self.is_live => self.draw(&frame::lines(&seen, self.url)),
            Format::Text => output::try_text(&frame::block(&frame::lines(&seen, self.url))),
        };
        let is_over = self.typed.once || shown.is_err();
        Ok(if is_over {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn fault(&mut self, why: &str) -> ControlFlow<()> {
        let shown = if self.is_live {
            self.draw(&frame::fault(why, self.url))
        } else {
            output::complaint(why);
            Ok(())
        };
        if shown.is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn draw(&mut self, lines: &[frame::Line]) -> std::io::Result<()> {
        if self.screen.is_none() {
            self.screen = Some(Screen::enter()?);
        }
        output::try_text(&frame::paint(lines, size(), self.color))
    }
}

/// The other screen of the terminal, until dropped.
struct Screen;

impl Screen {
    fn enter() -> std::io::Result<Self> {
        output::try_text(ENTER).map(|()| Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        output::text(LEAVE);
    }
}

/// Columns and rows.
fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => SCREEN,
    }
}
