//! Which names a built UI imports from which modules, read off its text.
//!
//! The shell page and `outboard check` ask. It looks for import clauses and parses no JavaScript: a clause in a string counts as well,
//! which does no more than offer a name that nobody uses. Must not know which names there are.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

/// Longest name of a module.
const MODULE_MAX: usize = 200;
/// Longest clause between `import` and `from`.
const CLAUSE_MAX: usize = 16 * 1024;

/// Names by the modules that they are imported from.
pub(crate) type Imports = BTreeMap<String, BTreeSet<String>>;

/// Adds what `text` imports by bare names. A module that is imported as a whole has no names.
pub(crate) fn collect(text: &[u8], imports: &mut Imports) {
    for at in memmem::find_iter(text, b"from") {
        let Some(module) = module_behind(&text[at + 4..]) else { continue };
        let Some(names) = names_before(&text[..at]) else { continue };
        imports.entry(module).or_default().extend(names);
    }
    for at in memmem::find_iter(text, b"import") {
        if let Some(module) = module_behind(&text[at + 6..]) {
            imports.entry(module).or_default();
        }
    }
}

/// The bare name in quotes with which `text` begins.
fn module_behind(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii_start();
    let (quote, text) = text.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let end = text.iter().take(MODULE_MAX + 1).position(|byte| byte == quote)?;
    let name = std::str::from_utf8(&text[..end]).ok()?;
    is_module(name).then(|| name.to_owned())
}

/// Whether this is the name of a module that only an import map can find: no address, and no path.
pub(crate) fn is_module(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'@');
    first
        && name.len() <= MODULE_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@/._-".contains(&byte))
}

/// The names in the import clause at whose end `text` ends; `None` where it is none.
fn names_before(text: &[u8]) -> Option<BTreeSet<String>> {
    let start = text.len().saturating_sub(CLAUSE_MAX);
    let text = text[start..].trim_ascii_end();
    let mut names = BTreeSet::new();
    let mut before = text;
    if let Some(inside) = text.strip_suffix(b"}") {
        let open = memchr::memrchr(b'{', inside)?;
        for part in inside[open + 1..].split(|byte| *byte == b',') {
            let word = part.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
            names.extend(std::str::from_utf8(word).ok().filter(|name| is_name(name)).map(str::to_owned));
        }
        before = inside[..open].trim_ascii_end();
        if let Some(rest) = before.strip_suffix(b",") {
            before = rest.trim_ascii_end();
        }
    }
    if before.ends_with(b"import") || before.ends_with(b"export") {
        return Some(names);
    }
    // What stands between: a name of its own for the default export, or the whole module.
    let clause = before.rsplit(|byte| matches!(byte, b';' | b'}' | b'\n' | b'{' | b'"' | b'\'')).next()?;
    let clause = clause.trim_ascii();
    let whole = clause.contains(&b'*');
    let begins = |word: &[u8]| {
        let rest = clause.strip_prefix(word)?;
        rest.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'*').then_some(rest)
    };
    if begins(b"export").is_some() && whole {
        return Some(names);
    }
    let rest = begins(b"import")?.trim_ascii();
    if !rest.starts_with(b"*") {
        names.insert("default".to_owned());
    }
    Some(names)
}

/// Whether a name can be imported without quotes.
pub(crate) fn is_name(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || b"_$".contains(&byte));
    begins
        && name.len() <= MODULE_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let mut imports = Imports::new();
        collect(text.as_bytes(), &mut imports);
        let one = |(module, names): (String, BTreeSet<String>)| {
            format!("{module}: {}", names.into_iter().collect::<Vec<_>>().join(" "))
        };
        imports.into_iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_way_of_importing_tells_its_names() {
        for (text, names) in [
            (r#"import{usePluginContext as e,Card as t}from"sdk";var x"#, "sdk: Card usePluginContext"),
            ("import { Card,\n  Badge as B\n} from 'sdk';", "sdk: Badge Card"),
            (
                r#"var a=1;import React,{useState as s}from"react";import*as D from"react-dom""#,
                "react: default useState; react-dom: ",
            ),
            (r#"import t from "sonner"; import * as all from "a/b""#, "a/b: ; sonner: default"),
            (
                r#"import "side"; export * from "every"; export { default as X } from "@s/p""#,
                "@s/p: default; every: ; side: ",
            ),
            (r#"import { default as x, class as y } from "sdk""#, "sdk: class default"),
            (r#"import{a}from"./chunk.js";import("later");import "https://x.example/y.js""#, ""),
            (r#"const from = "sdk"; Array.from("sdk"); say("from 'sdk'")"#, ""),
            (r#"import{"odd name" as o,fine}from"sdk"#, ""),
            (r#"import{"odd name" as o,fine}from"sdk""#, "sdk: fine"),
            ("import {} from 'sdk'", "sdk: "),
        ] {
            assert_eq!(read(text), names, "{text}");
        }
    }

    #[test]
    fn a_long_text_without_an_end_is_given_up() {
        assert_eq!(read(&format!("import {{{}}} from 'sdk'", "a,".repeat(CLAUSE_MAX))), "");
        assert_eq!(read(&format!("import x from '{}'", "m".repeat(MODULE_MAX + 1))), "");
    }
}
