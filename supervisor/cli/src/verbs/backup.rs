//! `outboard backup FILE` and `outboard restore FILE`: the supervisor's database and those of plugins.

use std::path::Path;

use outboard_causes::Told;
use outboard_context::backup::{self, RestoreError};
use outboard_protocol::control::BackupParams;
use outboard_protocol::control::methods::Backup;
use serde_json::json;

use crate::client::{BACKUP_WAIT, Client};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, bytes};
use crate::settings::Settings;
use crate::tame::tame;

/// Has a backup made, and says what is in it.
pub(super) async fn run(client: &Client, screen: &mut Screen, file: &Path) -> Outcome {
    let file = std::path::absolute(file)
        .map_err(|error| Failure::usage(format!("{} is not a path: {error}", file.display())))?;
    let Some(file) = file.to_str() else {
        return Err(Failure::usage(format!("{} is not UTF-8; choose another name", file.display())));
    };
    let params = BackupParams { file: file.to_owned() };
    let report = client.ask::<Backup>(&params, BACKUP_WAIT).await?;
    if screen.json() {
        screen.json_document(&report)?;
    } else {
        let count = report.files.len();
        screen.line(format!("{}: {count} databases, {}", tame(&report.file), bytes(report.bytes)))?;
    }
    if report.skipped.is_empty() {
        return Ok(());
    }
    let skipped: Vec<String> = report.skipped.iter().map(|sentence| tame(sentence)).collect();
    Err(Failure::failed(format!("the backup is made, without these: {}", skipped.join("; "))))
}

/// Puts a backup back; needs no supervisor, and refuses where one runs.
pub(super) fn restore(screen: &mut Screen, settings: &Settings, file: &Path) -> Outcome {
    let places = settings.places()?;
    let restored = backup::restore(&places.data_dir, file).map_err(|error| {
        let exit = match &error {
            RestoreError::Folder(_) => Exit::Refused,
            RestoreError::NotABackup { .. } => Exit::Usage,
            RestoreError::Unusable { .. } | RestoreError::NoSpace { .. } | RestoreError::Refused { .. } => {
                Exit::Failed
            }
        };
        // A stranger's archive may have put words into it.
        Failure::new(exit, tame(&Told(&error).to_string()))
    })?;
    if screen.json() {
        screen.json_document(&json!({ "files": restored.files, "aside": restored.aside }))?;
        return Ok(());
    }
    let (count, data) = (restored.files.len(), places.data_dir.display());
    screen.line(format!("{count} databases are put back into {data}"))?;
    if let Some(aside) = &restored.aside {
        screen.line(format!("what was there before is in {}", aside.display()))?;
    }
    Ok(())
}
