//! A module in place of one that lacks a name: all that is there, and for each name that is not, something that says so where it is
//! used. Without it, a browser refuses the whole UI for the sake of one name.
//!
//! All that it says stands in its address, so nothing is kept. Must not know which plugin wants it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::imports::{is_module, is_name};
use super::offered::offered;

/// The file that a module which is not there at all would be.
const ABSENT: &str = "absent.js";
/// As many names of one module as are stood in for.
const NAMES_MAX: usize = 256;

/// Where the module is that stands in for these names of `module`, below the shell's address.
pub(super) fn address(module: &str, names: &BTreeSet<String>) -> String {
    let file = offered().get(module).map_or(ABSENT, |known| known.file.as_str());
    let names: Vec<&str> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
    format!("{file}?of={module}&lacks={}", names.join(","))
}

/// The module at such an address; `None` where it is not one that [`address`] makes.
pub(super) fn module(file: &str, query: &str) -> Option<String> {
    let (of, names) = query.strip_prefix("of=")?.split_once("&lacks=")?;
    let names: Vec<&str> = names.split(',').collect();
    if !is_module(of) || names.len() > NAMES_MAX || !names.iter().all(|name| is_name(name)) {
        return None;
    }
    let known = offered().get(of);
    if known.map_or(ABSENT, |known| known.file.as_str()) != file {
        return None;
    }
    let mut text = String::from("import { Shell } from \"./shell.js\";\n");
    if let Some(known) = known {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "export * from \"./{}\";", known.file);
        if known.names.contains("default") {
            let _ = writeln!(text, "export {{ default }} from \"./{}\";", known.file);
        }
    }
    // A name may be a word of the language, so it is not the variable's.
    for (number, name) in names.iter().enumerate() {
        let _ =
            writeln!(text, "const lacking{number} = Shell.standIn({name:?}, {of:?}, {});", known.is_some());
        let _ = writeln!(text, "export {{ lacking{number} as {name} }};");
    }
    Some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
mod tests {
    use super::*;

    const SDK: &str = "@skyvexsoftware/stratos-sdk";

    #[test]
    fn the_module_at_an_address_has_the_names_that_it_was_made_for() {
        let names = ["class", "useNothing"].map(str::to_owned).into();
        let address = address(SDK, &names);
        let (file, query) = address.split_once('?').unwrap();
        let text = module(file, query).unwrap();
        assert!(
            text.contains("export * from \"./shell-sdk.js\";") && text.contains("lacking0 as class }"),
            "{text}"
        );
        assert!(
            text.contains("Shell.standIn(\"useNothing\", \"@skyvexsoftware/stratos-sdk\", true)"),
            "{text}"
        );
    }

    #[test]
    fn nothing_but_names_gets_into_the_module() {
        for (file, query) in [
            ("sdk.js", "of=@skyvexsoftware/stratos-sdk&lacks=a;alert(1)"),
            ("sdk.js", "of=@skyvexsoftware/stratos-sdk&lacks="),
            ("sdk.js", "of=%22&lacks=a"),
            ("sdk.js", "lacks=a"),
            ("react.js", "of=@skyvexsoftware/stratos-sdk&lacks=a"),
            ("absent.js", "of=react&lacks=a"),
        ] {
            assert_eq!(module(file, query), None, "{file}?{query}");
        }
    }
}
