//! MLServer: models that are unloaded, and what callers get.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{self, Andon};
use super::{Outcome, Server, environment};

const MODEL: &str = "fraud-scorer";
const OTHER: &str = "toxic-filter";

/// A server with two models, and the real binary beside it.
struct Floor {
    server: Option<Server>,
    port: u16,
    andon: Andon,
    folder: tempfile::TempDir,
}

fn serve(folder: &Path, port: u16) -> Outcome<Server> {
    let models = folder.join("models");
    for model in [MODEL, OTHER] {
        fs::create_dir_all(models.join(model))?;
        let settings = json!({ "name": model, "implementation": "doubler.Doubler", "parameters": { "version": "v1" } });
        fs::write(
            models.join(model).join("model-settings.json"),
            settings.to_string(),
        )?;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/mlserver/doubler.py");
    fs::copy(here, models.join("doubler.py"))?;
    let settings = json!({
        "host": "127.0.0.1", "http_port": port, "grpc_port": environment::free_port()?,
        "metrics_port": environment::free_port()?, "parallel_workers": 0, "debug": false,
    });
    fs::write(models.join("settings.json"), settings.to_string())?;
    let python: PathBuf = environment::python("mlserver")?;
    let mut command = Command::new(python.with_file_name("mlserver"));
    command.args(["start", "."]).env("PYTHONPATH", ".");
    Server::start("mlserver", command, &models, port, "/v2/health/ready")
}

impl Floor {
    fn lay() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let port = environment::free_port()?;
        let server = serve(folder.path(), port)?;
        let url = server.url();
        let config = format!(
            "connections:\n  models: {{ connector: model-server, url: \"{url}\", callers_url: \"{url}\", reach: loopback }}\n"
        );
        let andon = Andon::start(folder.path(), &config)?;
        Ok(Self {
            server: Some(server),
            port,
            andon,
            folder,
        })
    }

    /// The status that somebody gets who posts there.
    fn post(&self, path: &str, body: &Value) -> Outcome<u16> {
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        let (status, _) = support::call(self.port, "POST", path, &headers, body.as_bytes())?;
        Ok(status)
    }

    /// The status that a caller of a model gets.
    fn infer(&self, model: &str) -> Outcome<u16> {
        let input = json!({ "name": "x", "shape": [2], "datatype": "FP32", "data": [1.0, 2.5] });
        self.post(
            &format!("/v2/models/{model}/infer"),
            &json!({ "inputs": [input] }),
        )
    }

    fn ask(&self, verb: &str, model: &str) -> Outcome<Value> {
        let (_, action) = self.andon.api("POST", "/v1/actions", Some(&json!({
            "action": format!("model-server/{verb}"), "at": "models", "with": { "model": model }, "wait_seconds": 60,
        })))?;
        Ok(action)
    }

    fn revert(&self, action: &Value) -> Outcome<Value> {
        let path = format!("/v1/actions/{}/revert", support::text(&action["action_id"]));
        let (_, action) = self
            .andon
            .api("POST", &path, Some(&json!({ "wait_seconds": 60 })))?;
        Ok(action)
    }

    fn restart(&mut self) -> Outcome<()> {
        self.server = None;
        self.server = Some(serve(self.folder.path(), self.port)?);
        Ok(())
    }
}

#[test]
#[ignore = "installs MLServer: cargo xtask live"]
fn a_model_is_unloaded_for_callers_and_loaded_again() -> Outcome<()> {
    let floor = Floor::lay()?;
    assert_eq!(floor.infer(MODEL)?, 200);
    let done = floor.ask("unload", MODEL)?;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["effect"], "behaviour_held", "{done}");
    assert_eq!(done["changed"], true, "{done}");
    assert_eq!(floor.infer(MODEL)?, 404);
    assert_eq!(floor.infer(OTHER)?, 200, "the other is served on");

    let again = floor.ask("unload", MODEL)?;
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(again["state"], "succeeded", "{again}");

    let back = floor.revert(&done)?;
    assert_eq!(back["state"], "reverted", "{back}");
    assert_eq!(floor.infer(MODEL)?, 200);
    assert_eq!(floor.revert(&done)?["state"], "reverted");

    let unknown = floor.ask("unload", "nobody")?;
    assert_eq!(unknown["state"], "failed", "{unknown}");
    assert_eq!(unknown["changed"], false, "{unknown}");
    Ok(())
}

#[test]
#[ignore = "installs MLServer: cargo xtask live"]
fn a_model_that_is_not_loaded_is_loaded_and_unloaded_again() -> Outcome<()> {
    let floor = Floor::lay()?;
    let unload = format!("/v2/repository/models/{MODEL}/unload");
    assert_eq!(floor.post(&unload, &json!({}))?, 200);
    let done = floor.ask("load", MODEL)?;
    assert_eq!(done["effect"], "behaviour_held", "{done}");
    assert_eq!(floor.infer(MODEL)?, 200);
    let back = floor.revert(&done)?;
    assert_eq!(back["state"], "reverted", "{back}");
    assert_eq!(floor.infer(MODEL)?, 404);
    let unknown = floor.ask("load", "nobody")?;
    assert_eq!(unknown["state"], "failed", "{unknown}");
    Ok(())
}

#[test]
#[ignore = "installs MLServer: cargo xtask live"]
fn a_restart_that_loads_the_model_again_is_drift() -> Outcome<()> {
    let mut floor = Floor::lay()?;
    let done = floor.ask("unload", MODEL)?;
    assert_eq!(done["effect"], "behaviour_held", "{done}");
    floor.restart()?;
    assert_eq!(
        floor.infer(MODEL)?,
        200,
        "MLServer keeps it in memory alone"
    );
    let path = format!("/v1/actions/{}", support::text(&done["action_id"]));
    let drifted = support::until("the drift", Duration::from_secs(150), || {
        let (_, action) = floor.andon.api("GET", &path, None)?;
        Ok((action["effect"] == "drifted").then_some(action))
    })?;
    assert_eq!(drifted["drift"]["held"], "behaviour_held", "{drifted}");
    let (_, alerts) = floor
        .andon
        .api("GET", "/v1/alerts?kind=containment-drifted", None)?;
    let alert = &alerts["alerts"][0];
    assert_eq!(
        alert["title"], "model-server/unload at models holds no longer",
        "{alerts}"
    );

    // What is undone is as before: somebody else has loaded it.
    let back = floor.revert(&drifted)?;
    assert_eq!(back["state"], "reverted", "{back}");
    support::until("the end of the alert", Duration::from_secs(30), || {
        let (_, alerts) = floor
            .andon
            .api("GET", "/v1/alerts?kind=containment-drifted", None)?;
        Ok((alerts["alerts"][0]["state"] == "resolved").then_some(()))
    })
}
