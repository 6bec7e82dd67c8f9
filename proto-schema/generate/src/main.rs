//! Writes every generated document to its place: `make schema`.
//!
//! Run it after a change to the method table, the error table or a type of the protocol; a test fails until then.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2) else {
        return ExitCode::FAILURE;
    };
    for document in outboard_generate::documents() {
        let path = root.join(document.path);
        let present = std::fs::read_to_string(&path).unwrap_or_default();
        let written = document.applied_to(&present).and_then(|text| {
            if text == present {
                return Ok(());
            }
            eprintln!("writes {}", document.path);
            let folder = path.parent().unwrap_or(root);
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&path, text))
                .map_err(|error| format!("{}: {error}", document.path))
        });
        if let Err(sentence) = written {
            eprintln!("{sentence}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
