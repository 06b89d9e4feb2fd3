//! `live:` of a connector: what `andon check --live` asks.

use super::request::{CALL, OWN_AUTH};
use super::{Is, Map, Refers, Rule, key, map};

/// A question.
pub(super) static QUESTION: Map = map(
    "question",
    "One thing to know of a connection. It is asked for by a request that changes nothing, or it says why it cannot be asked.",
    &[
        &[
            key("about", Is::Text, "What is asked after.").must().like("the token"),
            key("only_if", Is::Condition, "Whether it concerns this connection.").without("it does").like("settings.?index != null"),
            key("cannot", Is::Text, "Why it cannot be asked. Shown beside `not asked`.").like("only an event shows whether the token may write to the index"),
        ],
        CALL,
        &[
            key("harmless", Is::Text, "Why a POST changes nothing. PUT, PATCH and DELETE are refused here.").like("an empty list has no rows"),
            OWN_AUTH,
            key("let", Is::Named("a name", &Is::Expression), "Names made of the answer. `webhook_url` is where this connection takes pushes (null where it lets none in), `sent` the keys of `deliver.event`.").like("{ hooks: =body.webhooks }"),
            key("answers", Is::List(&Is::Map(&ANSWER)), "What answers mean; the first that holds counts. Then what is usual: 401 and 403 are a wrong credential, other 4xx and 5xx a fault."),
            key("keep", Is::Named("a name", &Is::Expression), "What later questions need of the answer.").like("{ workspace: =body.id }"),
        ],
    ],
)
.with(&[Rule::One(&["cannot", "get", "post", "put", "patch", "delete"])]);

static ANSWER: Map = map(
    "live_answer",
    "What an answer means.",
    &[&[
        key("fine", Is::Case, "It is as it has to be, where this holds.").like("status == 204"),
        key(
            "fault",
            Is::Case,
            "Somebody has to mend something, where this holds.",
        )
        .like("status == 404"),
        key(
            "unknown",
            Is::Case,
            "The answer does not tell, where this holds.",
        )
        .like("status == 403"),
        key("at", Is::To(Refers::Setting), "The setting to mend.").like("token"),
        key(
            "say",
            Is::Text,
            "What such an answer means, in a sentence. Needed but for `fine`.",
        )
        .like("there is no such stream"),
        key(
            "shows",
            Is::Expression,
            "What is shown behind it, such as what is missing.",
        )
        .like("=body.error.message"),
        key("help", Is::Text, "What to do.").like("copy the stream's name from the rule"),
    ]],
)
.with(&[Rule::One(&["fine", "fault", "unknown"])]);
