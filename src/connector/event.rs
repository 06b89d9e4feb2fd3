//! One event, as a destination would get it: pure, so that `explain` and delivery make the same one.

use serde_json::{Map, Value as Json};

use super::Deliver;
use crate::expr::{Scope, Value};
use crate::shape::{Absent, Error, Rendered};

impl Deliver {
    /// The event of one revision. `alert` is what [`Alert::shown`](crate::alert::Alert::shown) gives,
    /// `ocsf` its finding, `settings` the connection's settings that are no secrets. Neither `cut` nor
    /// `fit` is applied, and no secret is put in. `None` where no case of `event` holds.
    ///
    /// # Errors
    /// When an expression or a text of `event` fails.
    pub fn render_event(
        &self,
        settings: &Json,
        alert: &Json,
        ocsf: &Json,
    ) -> Result<Option<Rendered>, Error> {
        let mut scope = Scope::new(&self.event_names);
        let mut set = |name: &str, value| {
            if let Some((slot, _)) = self.event_names.find(name) {
                scope.set(slot, value);
            }
        };
        set("settings", Value::from_json(settings));
        set("alert", Value::from_json(alert));
        set("ocsf", Value::from_json(ocsf));
        let none = Map::new();
        let texts = alert.as_object().unwrap_or(&none);
        self.event.render(&scope, texts, Absent::LeftOut)
    }
}
