//! Everything that is made from the method table, the error table and the types: schemas, the types of other languages'
//! SDKs, and the reference in the documentation.
//!
//! ```text
//!   METHODS + ErrorReason + types ─▶ catalog ─┬▶ json_schema   proto-schema/schema/*.schema.json
//!                                             ├▶ openrpc       proto-schema/schema/openrpc.json
//!                                             ├▶ typescript    plugin-sdk/typescript/src/generated/protocol.ts
//!                                             ├▶ python        plugin-sdk/python/src/outboard_plugin/generated/protocol.py
//!                                             └▶ reference     docs/PROTOCOL.md, between its markers
//!   CALLS + SUBSCRIPTIONS + types ─▶ control ─┬▶ openrpc       proto-schema/schema/control.openrpc.json
//!                                             ├▶ typescript    plugin-sdk/host/src/generated/control.ts
//!                                             └▶ reference     docs/CONTROL.md, between its markers
//! ```
//!
//! Called by this crate's program (`make schema`) and by the test that finds stale documents. Must not touch files.

mod catalog;
mod control;
mod json_schema;
mod openrpc;
mod python;
mod reference;
mod shape;
mod typescript;

use catalog::Catalog;
use control::Control;

/// A generated text and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file, from the root of the repository.
    pub path: &'static str,
    /// Which part of the file: between the markers of this name, or all of it.
    pub section: Option<&'static str>,
    /// What is to stand there.
    pub text: String,
}

/// Every generated document, in a fixed order and with the same text at every run.
pub fn documents() -> Vec<Document> {
    let whole = |path, text| Document { path, section: None, text };
    let section = |name, text| Document { path: "docs/PROTOCOL.md", section: Some(name), text };
    let in_control = |name, text| Document { path: "docs/CONTROL.md", section: Some(name), text };
    let catalog = Catalog::new("#/$defs/");
    let control = Control::new("#/components/schemas/");
    vec![
        whole("proto-schema/schema/protocol.schema.json", json_schema::protocol(&catalog)),
        whole("proto-schema/schema/plugin.schema.json", json_schema::manifest()),
        whole("proto-schema/schema/openrpc.json", openrpc::document(&Catalog::new("#/components/schemas/"))),
        whole("plugin-sdk/typescript/src/generated/protocol.ts", typescript::module(&catalog)),
        whole("plugin-sdk/python/src/outboard_plugin/generated/protocol.py", python::module(&catalog)),
        section("methods", reference::methods(&catalog)),
        section("errors", reference::errors()),
        whole("proto-schema/schema/control.openrpc.json", control::openrpc::document(&control)),
        whole("plugin-sdk/host/src/generated/control.ts", control::typescript::module(&control)),
        in_control("methods", control::reference::methods(&control)),
        in_control("errors", reference::errors()),
    ]
}

impl Document {
    /// The file's new text, given its present one.
    ///
    /// # Errors
    /// A sentence, when the file ought to have markers and has not.
    pub fn applied_to(&self, present: &str) -> Result<String, String> {
        let Some(name) = self.section else { return Ok(self.text.clone()) };
        let (begin, end) =
            (format!("<!-- generated: {name} -->\n"), format!("<!-- end of generated: {name} -->"));
        let missing = |marker: &str| format!("{}: the line {:?} is missing", self.path, marker.trim_end());
        let (before, rest) = present.split_once(&begin).ok_or_else(|| missing(&begin))?;
        let (_, after) = rest.split_once(&end).ok_or_else(|| missing(&end))?;
        Ok(format!("{before}{begin}{}{end}{after}", self.text))
    }
}

/// JSON for people: two spaces, and a line end at the end.
fn pretty(value: serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(&catalog::sorted(value))
        .expect("INVARIANT: a JSON value has text keys only and can always be written");
    text.push('\n');
    text
}
