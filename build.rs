//! Puts the built-in connectors, mappings, templates and kinds into the binary, as one table, and the
//! pages of the diagnostic codes as another.

#![expect(
    clippy::expect_used,
    reason = "a build that cannot read its own files stops, and says why"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const ROOTS: [&str; 4] = ["connectors", "mappings", "templates", "kinds.yaml"];

fn main() {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the manifest is"));
    let mut files = Vec::new();
    for name in ROOTS {
        println!("cargo:rerun-if-changed={name}");
        collect(&root.join(name), &mut files);
    }
    files.sort();
    let mut table = String::from(
        "/// Path below the repository and content of each built-in file.\npub const FILES: &[(&str, &[u8])] = &[\n",
    );
    for file in &files {
        let path = file
            .strip_prefix(&root)
            .expect("the file is below the root")
            .to_string_lossy()
            .replace('\\', "/");
        writeln!(
            table,
            "    ({path:?}, include_bytes!({:?})),",
            file.to_string_lossy()
        )
        .expect("writing to a string");
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where output goes"));
    fs::write(out.join("built_in.rs"), table).expect("the output folder can be written");
    fs::write(out.join("codes.rs"), pages(&root)).expect("the output folder can be written");
}

/// The table of `docs/codes/AND####.md`, in order.
fn pages(root: &Path) -> String {
    let mut files = Vec::new();
    println!("cargo:rerun-if-changed=docs/codes");
    collect(&root.join("docs/codes"), &mut files);
    files.sort();
    let mut table =
        String::from("/// Each code and its page.\nconst PAGES: &[(&str, &str)] = &[\n");
    for file in &files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        if stem.starts_with("AND") {
            writeln!(
                table,
                "    ({stem:?}, include_str!({:?})),",
                file.to_string_lossy()
            )
            .expect("writing to a string");
        }
    }
    table.push_str("];\n");
    table
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_path_buf());
        return;
    }
    println!("cargo:rerun-if-changed={}", path.display());
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        collect(&entry.path(), files);
    }
}
