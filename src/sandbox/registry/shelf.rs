//! What the registry holds: models, versions, aliases, tags; and how it refuses.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::webhook::Hook;

/// Pairs in the order in which they were set.
pub(super) type Tags = Vec<(String, String)>;

/// How MLflow refuses: a status and `{error_code, message, sqlstate, error_class}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    pub(super) status: u16,
    code: &'static str,
    class: &'static str,
    message: String,
}

impl Refused {
    pub(super) fn invalid(message: String) -> Self {
        Self {
            status: 400,
            code: "INVALID_PARAMETER_VALUE",
            class: "INVALID_PARAMETER_VALUE",
            message,
        }
    }

    pub(super) fn not_found(message: String) -> Self {
        Self {
            status: 404,
            code: "RESOURCE_DOES_NOT_EXIST",
            class: "RESOURCE_NOT_FOUND",
            message,
        }
    }

    fn exists(message: String) -> Self {
        Self {
            status: 400,
            code: "RESOURCE_ALREADY_EXISTS",
            class: "RESOURCE_ALREADY_EXISTS",
            message,
        }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::invalid(format!(
            "Missing value for required parameter '{parameter}'. See the API docs for more information about request parameters."
        ))
    }

    pub(super) fn body(&self) -> Value {
        json!({
            "error_code": self.code,
            "message": self.message,
            "sqlstate": "KAM00",
            "error_class": self.class,
        })
    }
}

/// What a new version is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewVersion {
    /// Where its files lie: `s3://…`, `mlflow-artifacts:/…`, `models:/…`. `http` is refused.
    pub source: String,
    /// The run that made it.
    pub run_id: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// A few words.
    pub description: Option<String>,
}

/// Everything, and the webhooks.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) models: BTreeMap<String, Model>,
    pub(super) hooks: Vec<Hook>,
}

#[derive(Debug)]
pub(super) struct Model {
    created: i64,
    pub(super) updated: i64,
    description: Option<String>,
    tags: Tags,
    pub(super) versions: BTreeMap<u64, Version>,
    aliases: BTreeMap<String, u64>,
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) created: i64,
    pub(super) new: NewVersion,
}

impl Shelf {
    pub(super) fn model(&self, name: &str) -> Result<&Model, Refused> {
        self.models.get(name).ok_or_else(|| {
            Refused::not_found(format!("Registered Model with name={name} not found"))
        })
    }

    fn model_mut(&mut self, name: &str) -> Result<&mut Model, Refused> {
        self.models.get_mut(name).ok_or_else(|| {
            Refused::not_found(format!("Registered Model with name={name} not found"))
        })
    }

    pub(super) fn create_model(
        &mut self,
        name: &str,
        tags: Tags,
        description: Option<String>,
        now: i64,
    ) -> Result<(), Refused> {
        if name.is_empty() {
            return Err(Refused::missing("name"));
        }
        if name.contains(['/', ':']) {
            // The rule is recorded, its wording is not.
            return Err(Refused::invalid(format!("Invalid model name: '{name}'.")));
        }
        if self.models.contains_key(name) {
            return Err(Refused::exists(format!(
                "Registered Model (name={name}) already exists."
            )));
        }
        let model = Model {
            created: now,
            updated: now,
            description,
            tags,
            versions: BTreeMap::new(),
            aliases: BTreeMap::new(),
        };
        self.models.insert(name.to_owned(), model);
        Ok(())
    }

    pub(super) fn create_version(
        &mut self,
        name: &str,
        new: NewVersion,
        now: i64,
    ) -> Result<u64, Refused> {
        let model = self.model_mut(name)?;
        let scheme = new.source.split_once(':').map_or("", |(scheme, _)| scheme);
        if matches!(scheme, "http" | "https") {
            return Err(Refused::invalid(format!(
                "'source' cannot use the '{scheme}' scheme: the '{scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Set the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment variable on the server to allow it."
            )));
        }
        let number = model
            .versions
            .last_key_value()
            .map_or(1, |(last, _)| last + 1);
        // A new version moves the model's own timestamp; aliases and tags do not (captured).
        model.updated = now;
        model.versions.insert(number, Version { created: now, new });
        Ok(number)
    }

    /// Checks that a version exists, given as text.
    pub(super) fn version(&self, name: &str, version: &str) -> Result<u64, Refused> {
        let number = whole(version)?;
        self.models
            .get(name)
            .filter(|model| model.versions.contains_key(&number))
            .map(|_| number)
            .ok_or_else(|| no_version(name, version))
    }

    pub(super) fn alias(&self, name: &str, alias: &str) -> Result<u64, Refused> {
        let aliases = &self.model(name)?.aliases;
        aliases
            .get(alias)
            .copied()
            .ok_or_else(|| Refused::invalid(format!("Registered model alias {alias} not found.")))
    }

    pub(super) fn set_alias(
        &mut self,
        name: &str,
        alias: &str,
        version: &str,
    ) -> Result<(), Refused> {
        if alias.eq_ignore_ascii_case("latest") {
            return Err(Refused::invalid(format!(
                "'{alias}' alias name (case insensitive) is reserved."
            )));
        }
        let number = self.version(name, version)?;
        self.model_mut(name)?
            .aliases
            .insert(alias.to_owned(), number);
        Ok(())
    }

    pub(super) fn delete_alias(&mut self, name: &str, alias: &str) -> Result<(), Refused> {
        self.model_mut(name)?.aliases.remove(alias);
        Ok(())
    }

    /// Sets a version's tag, or with no value takes it away.
    pub(super) fn tag(
        &mut self,
        name: &str,
        version: &str,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), Refused> {
        let number = self.version(name, version)?;
        let missing = || no_version(name, version);
        let found = self
            .model_mut(name)?
            .versions
            .get_mut(&number)
            .ok_or_else(missing)?;
        let tags = &mut found.new.tags;
        let place = tags.iter().position(|(known, _)| known == key);
        match (place.and_then(|place| tags.get_mut(place)), value) {
            (Some(tag), Some(value)) => value.clone_into(&mut tag.1),
            (None, Some(value)) => tags.push((key.to_owned(), value.to_owned())),
            (_, None) => tags.retain(|(known, _)| known != key),
        }
        Ok(())
    }

    /// A version as the API shows it; searches and lists leave its aliases out (captured).
    pub(super) fn show_version(
        &self,
        name: &str,
        number: u64,
        with_aliases: bool,
    ) -> Result<Value, Refused> {
        let missing = || no_version(name, &number.to_string());
        let model = self.models.get(name).ok_or_else(missing)?;
        let version = model.versions.get(&number).ok_or_else(missing)?;
        let new = &version.new;
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
        put("name", name.into());
        put("version", number.to_string().into());
        put("creation_timestamp", version.created.into());
        put("last_updated_timestamp", version.created.into());
        put("current_stage", "None".into());
        put(
            "description",
            new.description.as_deref().unwrap_or_default().into(),
        );
        put("source", new.source.as_str().into());
        put("run_id", new.run_id.as_deref().unwrap_or_default().into());
        put("status", "READY".into());
        if !new.tags.is_empty() {
            put("tags", show_tags(&new.tags));
        }
        put("run_link", "".into());
        if with_aliases {
            let names: Vec<&str> = model
                .aliases
                .iter()
                .filter(|(_, at)| **at == number)
                .map(|(alias, _)| alias.as_str())
                .collect();
            if !names.is_empty() {
                put("aliases", names.into());
            }
        }
        Ok(Value::Object(shown))
    }

    /// A model as the API shows it. Empty parts are left out, as protobuf does.
    pub(super) fn show_model(&self, name: &str) -> Result<Value, Refused> {
        let model = self.model(name)?;
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
        put("name", name.into());
        put("creation_timestamp", model.created.into());
        put("last_updated_timestamp", model.updated.into());
        if let Some(description) = model.description.as_deref().filter(|text| !text.is_empty()) {
            put("description", description.into());
        }
        if let Some((number, _)) = model.versions.last_key_value() {
            // One for each stage; stages are deprecated and not served here, so it is one.
            put(
                "latest_versions",
                vec![self.show_version(name, *number, false)?].into(),
            );
        }
        if !model.tags.is_empty() {
            put("tags", show_tags(&model.tags));
        }
        if !model.aliases.is_empty() {
            let alias = |(alias, number): (&String, &u64)| json!({ "alias": alias, "version": number.to_string() });
            put("aliases", model.aliases.iter().map(alias).collect());
        }
        Ok(Value::Object(shown))
    }
}

fn no_version(name: &str, version: &str) -> Refused {
    Refused::not_found(format!(
        "Model Version (name={name}, version={version}) not found"
    ))
}

fn whole(version: &str) -> Result<u64, Refused> {
    version.parse().map_err(|_| {
        Refused::invalid(format!(
            "Parameter 'version' must be an integer, got '{version}'."
        ))
    })
}

fn show_tags(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}
