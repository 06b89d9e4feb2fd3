//! The questions of a connector's `live:`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::Outcome;
use super::faults::FOUND;
use super::one::Asking;
use crate::connector::{AskedBy, Kept, Live, LiveAnswer, LiveVerdict, Question};
use crate::expr::{Expr, Scope, Value};
use crate::shape::{self, Call, Request};
use crate::untrusted;
use crate::web::{self, Answer};

/// How many things of a list are told.
const TOLD: usize = 30;
/// The longest of them, in graphemes.
const LONGEST_TOLD: usize = 100;

/// What expressions see, apart from an answer.
struct Known {
    settings: Json,
    webhook_url: Option<String>,
    sent: Json,
    /// By slot.
    kept: BTreeMap<usize, Json>,
}

/// An answer as expressions see it.
struct Said<'s> {
    answer: &'s Answer,
    text: std::borrow::Cow<'s, str>,
    header: Json,
}

impl<'s> Said<'s> {
    fn new(answer: &'s Answer) -> Self {
        Self {
            answer,
            text: answer.text(),
            header: web::header_object(&answer.headers),
        }
    }
}

impl Known {
    fn scope<'k>(&'k self, live: &'k Live, said: Option<&'k Said<'k>>) -> Scope<'k> {
        let mut scope = Scope::new(&live.names);
        let mut set = |name: &str, value: Value<'k>| {
            if let Some(slot) = live.names.slot(name) {
                scope.set(slot, value);
            }
        };
        set("settings", Value::from_json(&self.settings));
        let url = self.webhook_url.as_deref();
        set(
            "webhook_url",
            url.map_or(Value::Null, |url| Value::Text(url.into())),
        );
        set("sent", Value::from_json(&self.sent));
        if let Some(said) = said {
            set("status", Value::Int(said.answer.status.into()));
            set("text", Value::Text(said.text.as_ref().into()));
            set("header", Value::from_json(&said.header));
            set(
                "body",
                said.answer.json().map_or(Value::Null, Value::from_json),
            );
        }
        for (slot, value) in &self.kept {
            scope.set(*slot, Value::from_json(value));
        }
        scope
    }
}

impl Asking<'_> {
    /// Asks them in order: a later one may need what an earlier one kept.
    pub(super) async fn questions(&mut self, live: &Live) {
        let deliver = self.connection.connector.deliver.as_ref();
        let keys = deliver.map(|deliver| deliver.event.members().map(|(key, _)| key).collect());
        let mut known = Known {
            settings: self.connection.settings.clone(),
            webhook_url: self.taken_at(),
            sent: keys.unwrap_or_default(),
            kept: BTreeMap::new(),
        };
        for question in &live.questions {
            self.question(live, question, &mut known).await;
        }
    }

    async fn question(&mut self, live: &Live, question: &Question, known: &mut Known) {
        let about = question.about.as_str();
        let concerns = question.only_if.as_ref().is_none_or(|only_if| {
            let scope = known.scope(live, None);
            only_if.holds(&scope).unwrap_or(false)
        });
        if !concerns {
            return;
        }
        let (call, lets, answers, keep) = match &question.way {
            AskedBy::Cannot(why) => return self.note(about, Outcome::NotAsked, why),
            AskedBy::Request {
                call,
                lets,
                answers,
                keep,
            } => (call, lets, answers, keep),
        };
        if let Some(why) = self.over {
            return self.note(about, Outcome::NotAsked, why);
        }
        let request = {
            let scope = known.scope(live, None);
            self.request(call, &scope)
        };
        let request = match request {
            Ok(request) => request,
            // What it names was not kept: the question before has no such answer, and said so.
            Err(error) => return self.note(about, Outcome::NotAsked, unmade(&error)),
        };
        match self.send(&request).await {
            Err(error) => self.unanswered(about, &error, &request.base),
            Ok(answer) => {
                let said = Said::new(&answer);
                let kept = {
                    let mut scope = known.scope(live, Some(&said));
                    for (slot, expr) in lets {
                        scope.set_lazy(*slot, expr);
                    }
                    self.judge(about, answers, &said, &scope, &request.base);
                    values(keep, &scope)
                };
                known.kept.extend(kept);
            }
        }
    }

    fn request<'a>(&self, call: &'a Call, scope: &'a Scope<'a>) -> Result<Request, shape::Error> {
        let first_url = self.connection.connector.first_url().unwrap_or_default();
        call.render(scope, &Map::new(), first_url)
    }

    async fn send(&self, request: &Request) -> Result<Answer, web::Error> {
        let Some(way_out) = self.snapshot.web(&self.connection.name) else {
            return Err(web::Error::BadSetting {
                connection: self.connection.name.clone(),
                setting: request.base.clone(),
                problem: "the connection is not ready".to_owned(),
            });
        };
        way_out
            .send(request, &self.snapshot.secrets, self.connection.timeout)
            .await
    }

    /// What an answer means: the first line that holds, else what is usual.
    fn judge<'a>(
        &mut self,
        about: &str,
        answers: &'a [LiveAnswer],
        said: &Said<'_>,
        scope: &Scope<'a>,
        base: &str,
    ) {
        let holds = |when: &'a Expr| when.holds(scope).unwrap_or(false);
        let written = answers
            .iter()
            .find(|answer| answer.when.as_ref().is_none_or(holds));
        let status = said.answer.status;
        let Some(answer) = written else {
            let tells_what_is_fine = answers
                .iter()
                .any(|answer| answer.verdict == LiveVerdict::Fine);
            if (200..300).contains(&status) && !tells_what_is_fine {
                self.note(about, Outcome::Fine, "");
            } else {
                self.odd(about, status, &said.text, base);
            }
            return;
        };
        let shown = answer.shows.as_ref().map(|shows| list(shows, scope));
        let sentence = match shown.filter(|shown| !shown.is_empty()) {
            Some(shown) => format!("{}: {shown}", answer.say),
            None => answer.say.clone(),
        };
        match answer.verdict {
            LiveVerdict::Fine => self.note(about, Outcome::Fine, sentence),
            LiveVerdict::Unknown => self.note(about, Outcome::NotAsked, sentence),
            LiveVerdict::Fault => {
                let at = answer.at.as_deref().unwrap_or_default();
                if status == 401 || self.connection.secrets.contains_key(at) {
                    self.over = Some("the credentials are refused");
                }
                let help = answer.help.clone().unwrap_or_else(|| {
                    format!(
                        "connectors/{}/README.md says how it is set up",
                        self.connection.connector.name
                    )
                });
                self.fault(
                    FOUND,
                    at,
                    about,
                    format!("`{}`: {sentence}", self.connection.name),
                    help,
                );
            }
        }
    }
}

/// What is kept of an answer; what it does not have is not kept.
fn values<'a>(keep: &'a [Kept], scope: &Scope<'a>) -> Vec<(usize, Json)> {
    keep.iter()
        .filter_map(|kept| {
            let value = kept.value.eval(scope).ok()?.to_json()?;
            (!value.is_null()).then_some((kept.slot, value))
        })
        .collect()
}

/// A list for a person; nothing where it is none.
fn list<'a>(shows: &'a Expr, scope: &Scope<'a>) -> String {
    let value = shows.eval(scope).ok().and_then(|value| value.to_json());
    let items = match value {
        Some(Json::Array(items)) => items,
        Some(Json::Null) | None => Vec::new(),
        Some(other) => vec![other],
    };
    let more = items.len().saturating_sub(TOLD);
    let mut told: Vec<String> = items
        .iter()
        .take(TOLD)
        .map(|item| {
            let text = item
                .as_str()
                .map_or_else(|| item.to_string(), str::to_owned);
            untrusted::log(&text, LONGEST_TOLD)
        })
        .collect();
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told.join(", ")
}

fn unmade(error: &shape::Error) -> String {
    format!(
        "the request cannot be made: {}",
        untrusted::log(&error.to_string(), 200)
    )
}
