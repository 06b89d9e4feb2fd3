//! What fields are likely to mean, by their names and by what was seen in them.
//!
//! Guesses only: each becomes a line that a person reads, with a comment that says what to look at. One
//! guess is no guess: what people and models wrote, and what is a secret or somebody's name, is kept out.

use super::field::{Field, Sort};
use crate::alert::Severity;

/// The words of a key: `startsAt` and `starts_at` are both `starts`, `at`.
pub(super) fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before_is_small = false;
    for c in key.chars() {
        let begins = c.is_uppercase() && before_is_small;
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_is_small = c.is_lowercase() || c.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A field's name as one word: its last key, and the one above it where the last says little.
fn names(field: &Field) -> [String; 2] {
    let last = words(field.key()).join("_");
    let above = field
        .keys
        .len()
        .checked_sub(2)
        .and_then(|at| field.keys.get(at))
        .map(|key| words(key).join("_"))
        .unwrap_or_default();
    let both = format!("{above}_{last}");
    [last, both]
}

/// Whether a list has a word.
fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// Where a field stands in a list of names; the first is the most likely.
fn rank(field: &Field, list: &str) -> Option<usize> {
    let names = names(field);
    list.split(' ')
        .position(|known| names.iter().any(|name| name == known))
}

/// Those in the list, the most likely first.
fn ranked<'f>(fields: &[&'f Field], list: &str) -> Vec<&'f Field> {
    let mut found: Vec<(usize, &Field)> = fields
        .iter()
        .filter_map(|field| Some((rank(field, list)?, *field)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, field)| field).collect()
}

fn best<'f>(fields: &[&'f Field], list: &str) -> Option<&'f Field> {
    ranked(fields, list).first().copied()
}

/// Words of what people and models write, and of what only its owner should see.
const CONTENT: &str = "address annotations answer answers argument arguments authorization body choices comment comments \
    completion completions content contents cookie conversation credential credentials description \
    detail details email emails error errors exception explanation feedback headline input inputs \
    instruction instructions message messages msg note notes output outputs password phone prompt \
    prompts query question rationale reason reasoning secret stacktrace summary text title token \
    traceback transcript username user response request";

/// Last words of keys that only count, name or date the content: `prompt_tokens`, `error_code`.
const ABOUT: &str =
    "at bytes code count id kind length ms name rate score size status tokens total type";

/// The longest text that is taken for a name, in characters.
const LONGEST_NAME: usize = 120;
/// The longest text that names a part, in characters.
const LONGEST_PART: usize = 60;
/// With more digits it is a number of something, or a time.
const MOST_DIGITS: usize = 5;
/// So many blanks make a sentence.
const BLANKS: usize = 7;

/// Whether a field holds what people or models wrote, or what is private. It stays in the house.
pub(super) fn is_content(field: &Field) -> bool {
    let prose = |text: &str| {
        text.contains('\n')
            || text.chars().count() > LONGEST_NAME
            || text.matches(' ').count() >= BLANKS
    };
    if field.texts().any(prose) {
        return true;
    }
    let named = field.keys.iter().any(|key| {
        let words = words(key);
        let about = words.len() > 1 && words.last().is_some_and(|word| has(ABOUT, word));
        !about && words.iter().any(|word| has(CONTENT, word))
    });
    named && !matches!(field.sort, Sort::Number | Sort::Bool)
}

/// Whether a key is of a field that takes few words.
pub(super) fn is_of_few_words(key: &str) -> bool {
    let key = words(key).join("_");
    [STATUS, SEVERITY, SORTS]
        .into_iter()
        .any(|list| has(list, &key))
}

const STATUS: &str =
    "status state alert_state outcome result verdict conclusion phase lifecycle transition";
const SEVERITY: &str =
    "severity level sev risk_level alert_level threat_level criticality urgency risk priority";
const SORTS: &str = "event event_type alert_type finding_type kind category action type entity detector violation policy \
    scanner topic";
const SUBJECTS: &str = "model model_name registered_model deployment deployment_name agent agent_name endpoint \
    endpoint_name dataset dataset_name feature_view feature_view_name pipeline pipeline_name job \
    job_name service service_name application app labels_model alertname alert_name check check_name \
    rule rule_name test_name test monitor monitor_name guardrail guardrail_name metric metric_name name \
    display_name column column_name feature alias team_alias key_alias";
const KEYS: &str = "fingerprint dedup_key dedupe_key group_key incident_key incident_id alert_key alert_id finding_id \
    issue_id problem_id case_id monitor_id rule_id correlation_id";
const EVENT_IDS: &str = "event_id delivery_id message_id notification_id webhook_id record_id event_uuid uuid guid uid id \
    request_id";
const TIMES: &str = "timestamp time event_time occurred_at observed_at detected_at triggered_at fired_at starts_at \
    started_at created_at created at date_time datetime ts date event_timestamp created_time \
    creation_timestamp start_time updated_at updated last_updated_timestamp received_at";
const VALUES: &str = "score risk_score anomaly_score drift_score value observed actual confidence probability psi \
    distance spend cost error_rate rate share latency_ms count amount";
const LIMITS: &str = "threshold limit max maximum max_budget budget bound allowed allowed_minutes expected target_value min minimum \
    floor";
/// Words of keys that say something new with every signal, or something of who reports it: nothing that tells
/// one subject from another.
const NO_PART: &str = "id ids run uuid guid version revision build commit branch sha hash digest checksum etag cursor trace \
    span request session batch attempt try time date day hour at ts on started finished ended created updated \
    url uri link href path file filename folder host hostname ip port owner team author by user actor \
    operator reviewer unit units currency language locale format schema source sender reporter previous \
    old new before after trend color colour icon next last first";
const BAD_FLAGS: &str = "drifted drift_detected drift is_drift blocked flagged failed anomaly is_anomaly violated breached \
    exceeded unsafe toxic stale triggered detected infected malicious alert";
const GOOD_FLAGS: &str =
    "passed ok success successful healthy safe valid is_valid allowed compliant approved";

/// Words of a status that says it is over.
const OVER: &str = "resolved ok okay pass passed passing success successful succeeded healthy closed inactive recovered \
    cleared clear normal green fixed done completed complete finished up available ready good safe \
    clean allowed approved none valid";

/// Whether a word of a status says that it is over, or that nothing is wrong.
pub(super) fn is_over(word: &str) -> bool {
    has(OVER, &word.to_lowercase())
}

/// Whether a text names a part of what the signal is about.
fn is_part(field: &Field) -> bool {
    let plain = |text: &str| {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        !text.is_empty() && text.chars().count() <= LONGEST_PART && digits <= MOST_DIGITS
    };
    let telling = [NO_PART, STATUS, SEVERITY, SORTS, OVER];
    let says_else = |word: &String| telling.into_iter().any(|list| has(list, word));
    let keys = [STATUS, SEVERITY, SORTS, KEYS, EVENT_IDS, TIMES];
    field.is_sure()
        && field.texts().all(plain)
        && !words(field.key()).iter().any(says_else)
        && keys.into_iter().all(|list| rank(field, list).is_none())
}

/// The severity that a word stands for.
pub(super) fn severity_of(word: &str) -> Option<Severity> {
    Some(match word.to_lowercase().as_str() {
        "critical" | "crit" | "fatal" | "emergency" | "page" | "p1" | "sev1" | "blocker" => {
            Severity::Critical
        }
        "high" | "error" | "major" | "severe" | "p2" | "sev2" => Severity::High,
        "medium" | "moderate" | "warning" | "warn" | "p3" | "sev3" | "average" => Severity::Medium,
        "low" | "minor" | "notice" | "p4" | "sev4" => Severity::Low,
        "info" | "informational" | "information" | "none" | "debug" | "p5" => {
            Severity::Informational
        }
        _ => return None,
    })
}

/// What the fields of a signal are likely to be.
#[derive(Debug, Default)]
pub(super) struct Guess<'f> {
    /// What it is about; the most likely first.
    pub(super) subjects: Vec<&'f Field>,
    /// What else tells one thing that it is about from another: a suite, a view, an environment.
    pub(super) parts: Vec<&'f Field>,
    /// Whether it is wrong, or over.
    pub(super) status: Option<&'f Field>,
    /// How bad.
    pub(super) severity: Option<&'f Field>,
    /// Whether it is wrong: the field, and the value that says so.
    pub(super) flag: Option<(&'f Field, bool)>,
    /// What sort of event it is.
    pub(super) sort: Option<&'f Field>,
    /// What tells one finding from another.
    pub(super) key: Option<&'f Field>,
    /// What was measured.
    pub(super) value: Option<&'f Field>,
    /// What it should have kept to.
    pub(super) limit: Option<&'f Field>,
    /// What the sender calls this one event.
    pub(super) event_id: Option<&'f Field>,
    /// When it happened; the most likely first.
    pub(super) times: Vec<&'f Field>,
    /// What may leave the house: names, numbers, truth values.
    pub(super) plain: Vec<&'f Field>,
    /// What may not.
    pub(super) content: Vec<&'f Field>,
}

impl<'f> Guess<'f> {
    /// Guesses.
    pub(super) fn of(fields: &'f [Field]) -> Self {
        let (content, plain): (Vec<&Field>, Vec<&Field>) =
            fields.iter().partition(|field| is_content(field));
        let of = |sort: Sort| -> Vec<&'f Field> {
            let fields = plain.iter().filter(|field| field.sort == sort);
            fields.copied().collect()
        };
        let (texts, numbers, truths) = (of(Sort::Text), of(Sort::Number), of(Sort::Bool));
        let levels: Vec<&Field> = texts.iter().chain(&numbers).copied().collect();
        let mut subjects = ranked(&texts, SUBJECTS);
        subjects.sort_by_key(|field| !field.is_sure());
        let flag = |list: &str, says: bool| best(&truths, list).map(|field| (field, says));
        let scalars: Vec<&Field> = plain
            .iter()
            .filter(|field| matches!(field.sort, Sort::Text | Sort::Number))
            .copied()
            .collect();
        let parts = texts.iter().copied();
        let parts = parts.filter(|field| !subjects.contains(field) && is_part(field));
        Self {
            parts: parts.collect(),
            subjects,
            status: best(&texts, STATUS),
            severity: best(&levels, SEVERITY),
            flag: flag(BAD_FLAGS, true).or_else(|| flag(GOOD_FLAGS, false)),
            sort: best(&texts, SORTS),
            key: best(&texts, KEYS),
            value: best(&numbers, VALUES),
            limit: best(&numbers, LIMITS),
            event_id: best(&scalars, EVENT_IDS),
            times: ranked(&scalars, TIMES),
            plain,
            content,
        }
    }
}

/// Kinds, and words that speak for them; the first that is found counts.
const KINDS: [(&str, &str); 15] = [
    ("jailbreak", "jailbreak"),
    ("prompt-injection", "injection"),
    ("sensitive-disclosure", "pii leak dlp disclosure presidio"),
    ("data-poisoning", "poisoning poisoned"),
    (
        "unsafe-artifact",
        "malware malicious pickle modelscan artifact",
    ),
    (
        "unsafe-output",
        "toxicity toxic unsafe guardrail moderation harmful",
    ),
    ("hallucination", "hallucination groundedness faithfulness"),
    ("feature-drift", "drift drifted psi"),
    ("stale-features", "stale freshness materialization"),
    ("data-quality", "quality missing null nulls expectation"),
    ("cost-anomaly", "budget spend cost quota"),
    (
        "eval-regression",
        "eval evaluation benchmark regression accuracy",
    ),
    ("unreviewed-promotion", "alias promotion promoted"),
    ("pipeline-failure", "pipeline job dag workflow"),
    ("tool-abuse", "tool"),
];

/// The kind that the words of these speak for.
pub(super) fn kind(texts: &[&str]) -> &'static str {
    let said: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
    KINDS
        .iter()
        .find(|(_, words)| said.iter().any(|said| has(words, said)))
        .map_or("platform-alert", |(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::super::field::Look;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_read_as_its_words() {
        for (key, wanted) in [
            ("startsAt", "starts at"),
            ("max_budget", "max budget"),
            ("X-Request-Id", "x request id"),
            ("modelID", "model id"),
            ("größe", "größe"),
            ("{{", ""),
        ] {
            assert_eq!(words(key).join(" "), wanted);
        }
    }

    #[test]
    fn what_people_or_models_wrote_is_told_from_what_names_and_counts() {
        let data = json!({
            "prompt": "hi", "prompt_tokens": 12, "prompt_name": "greeting", "error_code": "E1", "error": "boom",
            "model": "m", "user_email": "a@b.example", "api_token": "x", "value": 1, "tags": { "k": "v" },
            "name": "one two three four five six seven eight nine", "input": 4, "path": "a\nb",
        });
        let look = Look {
            root: "signal",
            known: None,
            whole: true,
        };
        let fields = look.fields(&[&data]);
        let content: Vec<&str> = fields
            .iter()
            .filter(|field| is_content(field))
            .map(Field::key)
            .collect();
        assert_eq!(
            content,
            ["prompt", "error", "user_email", "api_token", "name", "path"]
        );
    }

    #[test]
    fn what_else_tells_one_thing_from_another_is_found_and_not_what_is_new_every_time() {
        let data = json!({
            "model": { "name": "churn", "version": "14" }, "view": "customer_7d", "env": "prod", "state": "STALE",
            "run": { "id": "ff-1", "started": "2026-11-23T02:00:00Z", "owner": "data" }, "suite": "toxicity",
            "job_started_on": "monday", "batch": "night", "digest": "ab12", "host": "a1", "trend": "up",
            "build_status": "red", "ticket": "20261123-17", "segment": "eu",
        });
        let look = Look {
            root: "signal",
            known: None,
            whole: false,
        };
        let fields = look.fields(&[&data]);
        let guess = Guess::of(&fields);
        let keys = |fields: &[&Field]| fields.iter().map(|field| field.path()).collect::<Vec<_>>();
        assert_eq!(keys(&guess.subjects), ["signal.model.name"]);
        assert_eq!(
            keys(&guess.parts),
            [
                "signal.view",
                "signal.env",
                "signal.suite",
                "signal.segment"
            ]
        );
    }

    #[test]
    fn fields_are_found_whatever_the_sender_calls_them() {
        let data = json!({
            "eventId": "e-1", "startsAt": "2026-11-23T08:00:00Z", "model": { "name": "m" }, "state": "firing",
            "riskLevel": "warning", "drift_detected": true, "fingerprint": "ab", "score": 0.7, "max_budget": 1,
        });
        let look = Look {
            root: "signal",
            known: None,
            whole: true,
        };
        let fields = look.fields(&[&data]);
        let guess = Guess::of(&fields);
        let key = |field: Option<&Field>| field.map(Field::path).unwrap_or_default();
        assert_eq!(
            guess
                .subjects
                .iter()
                .map(|field| field.path())
                .collect::<Vec<_>>(),
            ["signal.model.name"]
        );
        assert_eq!(key(guess.event_id), "signal.eventId");
        assert_eq!(key(guess.times.first().copied()), "signal.startsAt");
        assert_eq!(key(guess.status), "signal.state");
        assert_eq!(key(guess.severity), "signal.riskLevel");
        assert_eq!(key(guess.key), "signal.fingerprint");
        assert_eq!(
            (key(guess.value), key(guess.limit)),
            ("signal.score".to_owned(), "signal.max_budget".to_owned())
        );
        assert_eq!(
            guess.flag.map(|(field, says)| (field.path(), says)),
            Some(("signal.drift_detected".to_owned(), true))
        );
    }
}
