//! Each change: done on the shelf, then told to the webhooks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Registry;
use super::shelf::{NewVersion, Refused, Tags};

impl Registry {
    pub(super) fn do_create_model(
        self: &Arc<Self>,
        name: &str,
        tags: Tags,
        description: Option<String>,
    ) -> Result<Value, Refused> {
        let now = self.clock.now().as_millisecond();
        let data = json!({ "name": name, "tags": as_map(&tags), "description": description });
        let mut shelf = self.shelf();
        shelf.create_model(name, tags, description, now)?;
        let shown = shelf.show_model(name);
        drop(shelf);
        self.fire("registered_model", "created", &data);
        shown
    }

    pub(super) fn do_create_version(
        self: &Arc<Self>,
        name: &str,
        version: NewVersion,
    ) -> Result<u64, Refused> {
        let now = self.clock.now().as_millisecond();
        let mut data = json!({
            "name": name,
            "version": "",
            "source": version.source,
            "run_id": version.run_id,
            "tags": as_map(&version.tags),
            "description": version.description,
        });
        let number = self.shelf().create_version(name, version, now)?;
        if let Some(data) = data.as_object_mut() {
            data.insert("version".to_owned(), number.to_string().into());
        }
        self.fire("model_version", "created", &data);
        Ok(number)
    }

    /// Setting an alias to what it is already is told all the same (captured).
    pub(super) fn do_set_alias(
        self: &Arc<Self>,
        name: &str,
        alias: &str,
        version: &str,
    ) -> Result<(), Refused> {
        self.shelf().set_alias(name, alias, version)?;
        let data = json!({ "name": name, "alias": alias, "version": version });
        self.fire("model_version_alias", "created", &data);
        Ok(())
    }

    /// Deleting an alias that is not there is told all the same (captured).
    pub(super) fn do_delete_alias(
        self: &Arc<Self>,
        name: &str,
        alias: &str,
    ) -> Result<(), Refused> {
        self.shelf().delete_alias(name, alias)?;
        let data = json!({ "name": name, "alias": alias });
        self.fire("model_version_alias", "deleted", &data);
        Ok(())
    }

    pub(super) fn do_set_tag(
        self: &Arc<Self>,
        name: &str,
        version: &str,
        key: &str,
        value: &str,
    ) -> Result<(), Refused> {
        self.shelf().tag(name, version, key, Some(value))?;
        let data = json!({ "name": name, "version": version, "key": key, "value": value });
        self.fire("model_version_tag", "set", &data);
        Ok(())
    }

    pub(super) fn do_delete_tag(
        self: &Arc<Self>,
        name: &str,
        version: &str,
        key: &str,
    ) -> Result<(), Refused> {
        self.shelf().tag(name, version, key, None)?;
        let data = json!({ "name": name, "version": version, "key": key });
        self.fire("model_version_tag", "deleted", &data);
        Ok(())
    }
}

/// Webhooks carry tags as a map, the REST API as a list of pairs (captured).
fn as_map(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
        .collect()
}
