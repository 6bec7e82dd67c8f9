//! `outboard config export|import`: what was set for a plugin, as one JSON document.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use outboard_protocol::control::methods::{ConfigExport, ConfigImport};
use outboard_protocol::control::{ConfigDocument, ConfigImportParams, PluginParams};
use serde_json::json;

use super::plugin_id;
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::{Failure, Outcome};
use crate::render::Screen;

/// Largest document that is read: what the control API takes as one question.
const DOCUMENT_MAX: u64 = 8 * 1024 * 1024;

/// Writes the document to a file that only its owner reads, since values may be secrets; or to standard output.
pub(super) async fn export(client: &Client, screen: &mut Screen, id: &str, file: Option<&Path>) -> Outcome {
    let params = PluginParams { id: plugin_id(id)? };
    let document = client.ask::<ConfigExport>(&params, QUESTION_WAIT).await?;
    let text = serde_json::to_string(&document)
        .map_err(|error| Failure::failed(format!("the document cannot be written: {error}")))?;
    let Some(file) = file.filter(|file| file.as_os_str() != "-") else {
        screen.line(text)?;
        return Ok(());
    };
    write(file, &text)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))?;
    let said = json!({ "id": params.id, "file": file });
    let sentence = format!("what was set for {} is in {}", params.id, file.display());
    if screen.json() {
        screen.json_document(&said)?;
    } else {
        screen.line(crate::tame::tame(&sentence))?;
    }
    Ok(())
}

/// All of the new document, or the file as it was.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut new| new.write_all(format!("{text}\n").as_bytes()).and_then(|()| new.sync_all()))
        .and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        // It is ours by its name; one that cannot be removed is told of by the error that follows.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Sends a document.
pub(super) async fn import(client: &Client, screen: &mut Screen, id: &str, file: &Path) -> Outcome {
    let id = plugin_id(id)?;
    let text =
        read(file).map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    let document: ConfigDocument =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            let what =
                if error.is_data() { "this is not what `config export` writes" } else { "this is not JSON" };
            Failure::usage(format!("{}: {what}: {error}", file.display()))
        })?;
    let params = ConfigImportParams { id, document };
    let answer = client.ask::<ConfigImport>(&params, QUESTION_WAIT).await?;
    if screen.json() {
        screen.json_document(&answer)?;
    } else {
        screen.line(format!("{} keys of {} are set", answer.imported, params.id))?;
    }
    Ok(())
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let source: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(std::fs::File::open(file)?) };
    source.take(DOCUMENT_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > DOCUMENT_MAX {
        return Err(io::Error::other(format!("it is longer than {DOCUMENT_MAX} bytes; split it by keys")));
    }
    Ok(text)
}
