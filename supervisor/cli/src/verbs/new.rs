//! `outboard new NAME`: a folder with the smallest plugin that works, and what to type next.
//!
//! The templates are compiled in, so that an installed binary needs no checkout. Overwrites nothing.

use std::io::{ErrorKind, Write};
use std::path::Path;

use outboard_protocol::PluginId;
use outboard_protocol::id::RESERVED_IDS;
use outboard_protocol::manifest::{BACKGROUND_ENTRY, FILE_NAME};
use serde_json::{Value, json};

use crate::arguments::{Language, NewArguments};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::Screen;

/// What stands for the plugin's id in the templates.
const ID: &str = "@ID@";

/// One language's plugin.
struct Template {
    /// Where its program stands, in the plugin's folder.
    file: &'static str,
    text: &'static str,
    /// What the manifest says about how it runs: a key and its value; none where the file's place says it.
    runs: Option<(&'static str, Value)>,
}

fn template(language: Language) -> Template {
    match language {
        Language::Js => {
            Template { file: BACKGROUND_ENTRY, text: include_str!("../../templates/index.js"), runs: None }
        }
        // The same text: every type in it is inferred.
        Language::Ts => Template {
            file: "index.ts",
            text: include_str!("../../templates/index.js"),
            runs: Some(("background", json!({ "entryModule": "index.ts" }))),
        },
        Language::Py => Template {
            file: "main.py",
            text: include_str!("../../templates/main.py"),
            runs: Some(("run", json!({ "command": ["python3", "main.py"] }))),
        },
        Language::Bash => Template {
            file: "plugin.sh",
            text: include_str!("../../templates/plugin.sh"),
            runs: Some(("run", json!({ "command": ["bash", "plugin.sh"] }))),
        },
    }
}

/// Makes the folder.
pub(super) fn run(screen: &mut Screen, new: &NewArguments) -> Outcome {
    let folder = new.folder.as_path();
    let id = id_of(folder)?;
    if new.ui {
        return with_ui(screen, folder, &id, new.language);
    }
    let template = template(new.language);
    let program = template.text.replace(ID, id.as_str());
    make(folder).and_then(|()| {
        write(&folder.join(FILE_NAME), &manifest(&id, &template))?;
        write(&folder.join(template.file), &program)
    })?;
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let next = [
        format!("outboard run --plugins {}", quoted(&parent.to_string_lossy())),
        format!("curl http://127.0.0.1:2066/api/{id}/"),
    ];
    if screen.json() {
        let files = [FILE_NAME, template.file];
        screen.json_document(&json!({ "id": id, "folder": folder, "files": files, "next": next }))?;
        return Ok(());
    }
    screen.line(format!("{} holds {FILE_NAME} and {}", folder.display(), template.file))?;
    screen.line("Type next, the second in another terminal:")?;
    for command in next {
        screen.line(format!("    {command}"))?;
    }
    Ok(())
}

/// The files of a project with a UI, without the manifest.
const UI_PROJECT: [(&str, &str); 6] = [
    ("package.json", include_str!("../../templates/ui/package.json")),
    ("tsconfig.json", include_str!("../../templates/ui/tsconfig.json")),
    ("vite.config.ts", include_str!("../../templates/ui/vite.config.ts")),
    ("src/background/index.ts", include_str!("../../templates/ui/background.ts")),
    ("src/ui/index.tsx", include_str!("../../templates/ui/ui.tsx")),
    (".gitignore", include_str!("../../templates/ui/gitignore")),
];

/// Makes a project that is built.
fn with_ui(screen: &mut Screen, folder: &Path, id: &PluginId, language: Language) -> Outcome {
    if language != Language::Ts {
        return Err(Failure::usage(
            "--ui is for --language ts: a UI is React, which is built; for another language add ui/index.js to the plugin yourself",
        ));
    }
    make(folder)?;
    let dev = json!({ "build": ["npm", "run", "--silent", "build"], "dir": "dist", "watch": ["src", "vite.config.ts"] });
    let built = Template { file: "", text: "", runs: Some(("dev", dev)) };
    write(&folder.join(FILE_NAME), &manifest(id, &built))?;
    for (file, text) in UI_PROJECT {
        write(&folder.join(file), &text.replace(ID, id.as_str()))?;
    }
    super::sdk::lay_out(folder)?;
    let shown = folder.to_string_lossy();
    let next = [format!("cd {}", quoted(&shown)), "npm install".to_owned(), "npm run dev".to_owned()];
    if screen.json() {
        let files: Vec<&str> = std::iter::once(FILE_NAME).chain(UI_PROJECT.map(|(file, _)| file)).collect();
        screen.json_document(&json!({ "id": id, "folder": folder, "files": files, "next": next }))?;
        return Ok(());
    }
    screen.line(format!(
        "{} holds a project with React, Vite and types; its SDK is in {}",
        folder.display(),
        super::sdk::FOLDER
    ))?;
    screen.line("Type next:")?;
    for command in next {
        screen.line(format!("    {command}"))?;
    }
    screen.line("The last one builds, prints the page's address, and builds and reloads after each save.")?;
    Ok(())
}

fn id_of(folder: &Path) -> Outcome<PluginId> {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
        return Err(Failure::usage(format!(
            "{} does not end in a name; give one such as my-plugin",
            folder.display()
        )));
    };
    let id = PluginId::new(name).map_err(|invalid| {
        let near = near_id(name).map(|near| format!("; such as {near}")).unwrap_or_default();
        Failure::usage(format!("{invalid}{near}"))
    })?;
    if RESERVED_IDS.contains(&name) {
        return Err(Failure::usage(format!("the id {name} belongs to the shell; choose another name")));
    }
    Ok(id)
}

/// The id that is nearest to a name which is none.
fn near_id(name: &str) -> Option<PluginId> {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    let near: String = name.to_ascii_lowercase().chars().map(plain).collect();
    PluginId::new(near.trim_matches('-')).ok()
}

fn manifest(id: &PluginId, template: &Template) -> String {
    let mut words = id.as_str().replace('-', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let runs =
        template.runs.as_ref().map(|(key, value)| format!(",\n  \"{key}\": {value}")).unwrap_or_default();
    format!(
        "{{\n  \"id\": \"{id}\",\n  \"name\": \"{words}\",\n  \"version\": \"0.1.0\",\n  \"description\": \"What it is \
         for.\"{runs}\n}}\n"
    )
}

/// The folder itself must be new; those above it need not.
fn make(folder: &Path) -> Outcome {
    let above = folder.parent().map_or(Ok(()), std::fs::create_dir_all);
    above.and_then(|()| std::fs::create_dir(folder)).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(
            Exit::Refused,
            format!("{} is there already, and nothing is overwritten; choose another name", folder.display()),
        ),
        _ => Failure::failed(format!("{} cannot be made: {error}", folder.display())),
    })
}

fn write(file: &Path, text: &str) -> Outcome {
    let above = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    above
        .and_then(|()| std::fs::File::create_new(file))
        .and_then(|mut new| new.write_all(text.as_bytes()))
        .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", file.display())))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-/~".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
