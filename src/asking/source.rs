//! Polls, folders and the file of a destination: read as they will be, and nothing of it kept.

use std::path::Path;

use super::Outcome;
use super::faults::{NO_FILE, UNREADABLE_ITEMS};
use super::one::Asking;
use crate::delivery;
use crate::intake::{self, FirstPage, PollError};

impl Asking<'_> {
    /// Asks for the first page of a poll.
    pub(super) async fn poll(&mut self, signal: &str) {
        let about = format!("polling `{signal}`");
        if let Some(why) = self.over {
            return self.note(&about, Outcome::NotAsked, why);
        }
        let base = self
            .connection
            .connector
            .first_url()
            .unwrap_or_default()
            .to_owned();
        let name = self.connection.name.as_str();
        match intake::first_page(self.clock, self.snapshot, name, signal).await {
            Ok(None) => {}
            Ok(Some(page)) if page.stuck == 0 => self.note(&about, Outcome::Fine, told(&page)),
            Ok(Some(page)) => {
                let (why, connector) = (page.why.unwrap_or_default(), &self.connection.connector);
                let tried = connector.verified.as_ref().map(|verified| &verified.with);
                let tried = tried.map_or_else(|| "nothing".to_owned(), Clone::clone);
                self.fault(
                    UNREADABLE_ITEMS,
                    &base,
                    &about,
                    format!(
                        "{} of the {} signals `{}/{signal}` of `{name}` would be stuck: {why}",
                        page.stuck, page.signals, connector.name
                    ),
                    format!("compare the platform's version: the connector was tried with {tried}"),
                );
            }
            Err(PollError::Web(error)) => self.unanswered(&about, &error, &base),
            Err(PollError::Status { status, said, .. }) => self.odd(&about, status, &said, &base),
            Err(PollError::NotJson) => self.odd(&about, 200, "and no JSON", &base),
            Err(error) => self.fault(
                UNREADABLE_ITEMS,
                "",
                &about,
                format!("`{name}` cannot be polled for `{signal}`: {error}"),
                "look at the settings of this connection",
            ),
        }
    }

    /// Looks at the folder that it reads files from.
    pub(super) fn folder(&mut self) {
        let looked = intake::folder(self.snapshot, &self.connection.name);
        match looked {
            None => {}
            Some(Ok(counts)) => {
                for (signal, count) in counts {
                    let s = if count == 1 { "" } else { "s" };
                    self.note(
                        &format!("files of `{signal}`"),
                        Outcome::Fine,
                        format!("{count} file{s} to read"),
                    );
                }
            }
            Some(Err(why)) => self.fault(
                NO_FILE,
                "folder",
                "the folder",
                why,
                "name a folder that the daemon may read; a relative path is below the folder of andon.yaml",
            ),
        }
    }

    /// Whether it delivers otherwise than to a file.
    pub(super) fn writes_no_file(&self) -> bool {
        delivery::file_of(self.snapshot, &self.connection.name).is_none()
    }

    /// Looks at the file that it writes.
    pub(super) fn file(&mut self) {
        let Some(path) = delivery::file_of(self.snapshot, &self.connection.name) else {
            return;
        };
        let looked = path
            .map_err(|error| error.to_string())
            .and_then(|path| takes_lines(&path));
        match looked {
            Ok((outcome, said)) => self.note("the file", outcome, said),
            Err(why) => self.fault(
                NO_FILE,
                "path",
                "the file",
                why,
                "name a file that the daemon may write; a relative path is below the folder of andon.yaml",
            ),
        }
    }
}

fn told(page: &FirstPage) -> String {
    let s = if page.signals == 1 { "" } else { "s" };
    let more = if page.more { " on the first page" } else { "" };
    format!("{} signal{s}{more}, all as they have to be", page.signals)
}

/// Whether lines can be appended, as far as that shows without doing it.
fn takes_lines(path: &Path) -> Result<(Outcome, String), String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(format!("`{shown}` is no file")),
        // Opened to append, and nothing is appended.
        Ok(_) => match std::fs::OpenOptions::new().append(true).open(path) {
            Ok(_) => Ok((Outcome::Fine, format!("`{shown}` takes lines"))),
            Err(error) => Err(format!("`{shown}` cannot be written: {error}")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((
            Outcome::NotAsked,
            format!("`{shown}` is not there yet; only making it shows whether it can be made"),
        )),
        Err(error) => Err(format!("`{shown}` cannot be written: {error}")),
    }
}
