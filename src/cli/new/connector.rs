//! A connector's folder, written from samples.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value as Json;

use super::openapi::{self, Found};
use super::put::{self, New};
use super::sample::{self, Sample};
use super::signal::{Made, made};
use super::{
    ConnectorTyped, checked_name, first_free, mapping, name_and_files, names, next, source, text,
};
use crate::catalog::{Catalog, captured};
use crate::cli::{Ended, output, shown};
use crate::clock::Clock;
use crate::daemon::Folder;
use crate::signal::SignalName;
use crate::yaml;

/// How many samples are kept beside the connector.
const KEPT: usize = 10;

/// Writes a connector.
pub(super) fn run(
    typed: &ConnectorTyped,
    folder: &Folder,
    catalog: &Catalog,
) -> anyhow::Result<Ended> {
    let (name, more) = name_and_files(&typed.names)?;
    let mut paths = typed.from.clone();
    paths.extend(more.into_iter().map(std::path::PathBuf::from));
    let first = paths.first().context("there is no sample")?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => first
            .file_stem()
            .and_then(|stem| names::of_file(&stem.to_string_lossy()))
            .with_context(|| {
                format!(
                    "`{}` gives no name to the connector; write one at the end, such as `drift-watch`",
                    shown::text(&first.display().to_string())
                )
            })?,
    };
    checked_name(&name)?;
    checked_name(&typed.signal)?;
    free(&name, folder, catalog)?;
    let mut samples = Vec::new();
    for path in &paths {
        samples.extend(sample::read(path)?);
    }
    let new = of_samples(&name, &typed.signal, &samples, folder)?;
    for path in put::write(folder, &new.files)? {
        output::line(&format!("written  {}", path.display()));
    }
    let sample = put::place(folder, &new.sample);
    output::text(&next(&new.mapping, &sample.display().to_string()));
    output::text(&new.connection);
    Ok(Ended::Fine)
}

/// What to write in `andon.yaml`.
fn connect(name: &str, found: &Found) -> String {
    let variable = name.to_uppercase().replace('-', "_");
    let mut line = format!("{name}: {{ connector: {name}");
    if found.asks() {
        line.push_str(", url: \"https://…\"");
    }
    if found.listens() || found.auth.is_some() {
        let _ = write!(line, ", token: {{ env: {variable}_TOKEN }}");
    }
    if found.asks() && found.listens() {
        let _ = write!(line, ", sent_token: {{ env: {variable}_SENT_TOKEN }}");
    }
    let sends = if found.listens() {
        format!("; the system sends to /v1/signals/{name}")
    } else {
        String::new()
    };
    format!("\nIn andon.yaml, under `connections:`{sends}\n  {line} }}\n")
}

/// A connector takes the place of one of its name, with all its files.
fn free(name: &str, folder: &Folder, catalog: &Catalog) -> anyhow::Result<()> {
    let manifest = put::place(folder, &format!("connectors/{name}/connector.yaml"));
    let there = manifest.parent().is_some_and(Path::exists);
    if there || catalog.connectors.contains_key(name) {
        bail!(
            "there is a connector `{name}` already, and a new one would take its place; give another name at the end"
        );
    }
    Ok(())
}

/// What is written: the files, and the name of the mapping.
#[derive(Debug)]
pub(super) struct Written {
    /// The files.
    pub(super) files: Vec<New>,
    /// The mapping.
    pub(super) mapping: String,
    /// What the mapping can be tried with.
    pub(super) sample: String,
    /// What to write in `andon.yaml`.
    pub(super) connection: String,
}

/// A signal that is about to be written.
pub(super) struct Part {
    /// Its name.
    pub(super) name: String,
    /// How it arrives.
    pub(super) way: Way,
    /// What tells its bodies from others.
    pub(super) only_if: String,
    /// What it is made of.
    pub(super) made: Made,
    /// What was sent, or answered.
    pub(super) samples: Vec<Json>,
}

/// How a signal arrives.
pub(super) enum Way {
    /// It is sent.
    Webhook,
    /// It is asked for.
    Poll {
        /// Where.
        path: String,
    },
}

/// A connector with one signal, which these samples are of, and its first mapping.
pub(super) fn of_samples(
    name: &str,
    signal: &str,
    samples: &[Sample],
    folder: &Folder,
) -> anyhow::Result<Written> {
    let mut from: Vec<&str> = samples.iter().map(|sample| sample.shown.as_str()).collect();
    from.dedup();
    let from = from.join(", ");
    if let [only] = samples
        && openapi::is_openapi(&only.body)
    {
        let found = openapi::read(name, &only.body).map_err(|why| refused(&from, &why))?;
        return written(name, &from, &found, folder);
    }
    let bodies: Vec<&Json> = samples.iter().map(|sample| &sample.body).collect();
    let made =
        made(&format!("{name}/{signal}"), &bodies, false).map_err(|why| refused(&from, &why))?;
    let part = Part {
        name: signal.to_owned(),
        way: Way::Webhook,
        only_if: made.only_if.clone(),
        made,
        samples: bodies.into_iter().take(KEPT).cloned().collect(),
    };
    let found = Found {
        parts: vec![part],
        ..Found::default()
    };
    written(name, &from, &found, folder)
}

fn refused(from: &str, why: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "no connector can be written from {}: {why}",
        text::comment(from)
    )
}

/// The files of a connector, checked, and a mapping for its first signal.
fn written(name: &str, from: &str, found: &Found, folder: &Folder) -> anyhow::Result<Written> {
    let Some(first) = found.parts.first() else {
        return Err(refused(
            from,
            "it describes no webhook, no callback and no list that could be read without an argument",
        ));
    };
    let file = |below: &str, text: &str| New::text(format!("connectors/{name}/{below}"), text);
    let mut files = vec![file("connector.yaml", &manifest(name, from, found))];
    for part in &found.parts {
        let schema = format!("schemas/{}.json", part.name);
        files.push(file(&schema, &pretty(&part.made.schema)));
        for (index, sample) in part.samples.iter().enumerate() {
            files.push(file(&sample_file(&part.name, index), &pretty(sample)));
        }
    }
    let signal = |part: &Part| SignalName {
        connector: name.to_owned(),
        signal: part.name.clone(),
    };
    let (all, tried) = put::over(folder, &files)?;
    for part in &found.parts {
        for index in 0..part.samples.len() {
            let sample = sample_file(&part.name, index);
            let read = captured(&tried, &signal(part), &sample, &all, Clock::system().now());
            if let Err(why) = read {
                bail!(
                    "nothing was written, because the sample would not have been a signal: {why}"
                );
            }
        }
    }
    let first_name = signal(first);
    let rule = tried
        .signal(&first_name)
        .context("the signal that was written is not there")?;
    let schema = source::schema(&all, &tried, &first_name);
    let mapping = first_free(&format!("{name}-{}", first.name), folder);
    let written = put::mapping(
        folder,
        &files,
        &tried,
        mapping::From {
            name: &mapping,
            signal: &first_name,
            data: &first.made.data,
            of: &rule.data_type,
            schema: schema.as_ref(),
            source: from,
        },
    )?;
    files.push(written);
    Ok(Written {
        files,
        mapping,
        sample: format!("connectors/{name}/{}", sample_file(&first.name, 0)),
        connection: connect(name, found),
    })
}

fn sample_file(signal: &str, index: usize) -> String {
    match index {
        0 => format!("samples/{signal}.json"),
        more => format!("samples/{signal}-{}.json", more + 1),
    }
}

fn pretty(json: &Json) -> String {
    format!("{json:#}\n")
}

fn manifest(name: &str, from: &str, found: &Found) -> String {
    let (asks, listens) = (found.asks(), found.listens());
    let mut out = format!(
        "# Written by `andon new` from {}. What stands below a comment is a guess: read it and mend it.\n\
         andon: connector/v1\nname: {name}\n\
         # A sentence or two: what does the system report?\nabout: Written from samples; say here what it reports.\n\
         # docs: the page of the vendor that describes what is sent\n\nsettings:\n",
        text::comment(from),
    );
    let (auth, settings) = found.auth.clone().filter(|_| asks).unwrap_or_default();
    if asks {
        out.push_str(
            "  url: { is: url, about: \"Where the API is, such as https://api.example.com\" }\n",
        );
        out.push_str(&settings);
    }
    // What the system sends and what it is sent are two secrets.
    let hook = if asks { "sent_token" } else { "token" };
    if listens {
        let _ = write!(
            out,
            "  {hook}: {{ is: secret, optional: true, about: \"Bearer token, which the system sends in the header Authorization\" }}\n  \
             hook_token: {{ is: secret, optional: true, about: \"A token at the end of the URL, where no header can be set\" }}\n"
        );
    }
    if !auth.is_empty() {
        let _ = write!(out, "\n{auth}");
    }
    if listens {
        let _ = write!(
            out,
            "\n# Who may send. Where the system signs what it sends, write `signature:` in place of `accepts:`.\n\
             webhook:\n  accepts:\n    - {{ bearer: {hook} }}\n    - {{ url_token: hook_token }}\n  \
             # A body that is none of the signals is kept, and `andon stuck` tells of it. Later, count: it is only counted.\n  \
             unmatched: keep\n"
        );
    }
    out.push_str("\nsignals:\n");
    let parts: Vec<String> = found.parts.iter().map(part).collect();
    out.push_str(&parts.join("\n"));
    if !found.actions.is_empty() {
        out.push_str("\nactions:\n");
        out.push_str(&found.actions.join("\n"));
    }
    if !found.rest.is_empty() {
        out.push_str("\n# Not written, and perhaps worth a signal or an action of its own:\n");
        for line in &found.rest {
            let _ = writeln!(out, "#   {line}");
        }
    }
    out
}

fn part(part: &Part) -> String {
    let name = &part.name;
    let way = match &part.way {
        Way::Webhook => format!(
            "    # Tells a body of this signal from others that come the same way.\n    webhook:\n      only_if: {}\n",
            yaml::condition(&part.only_if)
        ),
        Way::Poll { path } => format!(
            "    poll:\n      # Looked at every time, and kept when it changed; `events` for what happens once.\n      of: state\n      \
             every: \"*/5 * * * *\"\n      get: {}\n      \
             # next: how the next page is had, such as {{ query: cursor, from: =body.?next }}\n",
            yaml::text(path)
        ),
    };
    format!(
        "  {name}:\n    schema: schemas/{name}.json\n    sample: samples/{name}.json\n{way}{}",
        part.made.lines
    )
}
