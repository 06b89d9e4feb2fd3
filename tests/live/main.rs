//! Live tests: real model platforms on loopback, installed under `target/live/`.
//!
//! Ignored in a plain `cargo test`, because they install hundreds of megabytes; `cargo xtask live`
//! runs them, and `cargo xtask ci` with it. A test belongs into the module named after its
//! platform: `xtask` chooses by these names.

mod environment;

use environment::{Outcome, Server};

mod mlflow {
    use super::{Outcome, Server, environment};

    /// The registry that the other tests rely on: MLflow's own client writes, and reads it back.
    #[test]
    #[ignore = "installs MLflow: cargo xtask live"]
    fn a_real_registry_starts_and_moves_an_alias() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let server = Server::mlflow(folder.path())?;
        let python = environment::python("mlflow")?;
        let url = server.url();
        let client = |arguments: &[&str]| {
            let all: Vec<&str> = ["--server", &url]
                .into_iter()
                .chain(arguments.iter().copied())
                .collect();
            environment::run(&python, "mlflow/client.py", &all)
        };
        client(&["register", "fraud-scorer", "s3://models/fraud/1"])?;
        client(&["move-alias", "fraud-scorer", "champion", "1"])?;
        let read = client(&["get-alias", "fraud-scorer", "champion"])?;
        assert_eq!(
            read.trim(),
            r#"{"model": "fraud-scorer", "alias": "champion", "version": "1"}"#
        );
        Ok(())
    }
}

mod inspect {
    use super::{Outcome, environment};

    #[test]
    #[ignore = "installs Inspect: cargo xtask live"]
    fn a_real_evaluation_writes_both_kinds_of_log() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let python = environment::python("inspect")?;
        let place = folder.path().to_string_lossy();
        environment::run(&python, "inspect/safety_task.py", &[place.as_ref()])?;
        let mut kinds: Vec<String> = std::fs::read_dir(folder.path())?
            .flatten()
            .filter_map(|entry| Some(entry.path().extension()?.to_string_lossy().into_owned()))
            .collect();
        kinds.sort();
        assert_eq!(kinds, ["eval", "json"]);
        Ok(())
    }
}
