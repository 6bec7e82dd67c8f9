//! Reads the tables of `docs/LIFECYCLE.md`. Knows how the document is laid out, and nothing of the machine.

use std::collections::BTreeMap;

use crate::outcome::Outcome;

pub struct Document {
    text: String,
    /// What a row's `then` means where it names a way to fail: way and condition to what follows.
    ways: BTreeMap<(String, String), String>,
}

/// One row of a place's table.
#[derive(Debug)]
pub struct Row {
    pub events: Vec<String>,
    pub when: Vec<String>,
    pub next: String,
    pub then: String,
    pub effects: String,
}

impl Row {
    pub fn outcome(&self) -> Outcome {
        Outcome { next: self.next.clone(), then: self.then.clone(), effects: self.effects.clone() }
    }
}

impl Document {
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/LIFECYCLE.md");
        let mut document = Self { text: std::fs::read_to_string(path).unwrap(), ways: BTreeMap::new() };
        let table = document.table("### What follows a failure");
        for row in &table[1..] {
            let condition = if row[0] == "—" { "" } else { &row[0] };
            for (way, then) in table[0].iter().zip(row).skip(1) {
                document.ways.insert((way.clone(), condition.to_owned()), then.clone());
            }
        }
        document
    }

    /// What follows in a scene of this condition where a row says `then`.
    pub fn follows(&self, then: &str, condition: &str) -> String {
        let (way, cause) = then.split_once(": ").unwrap_or((then, ""));
        let condition = if condition == "traced on probation" { "old version kept" } else { condition };
        let listed = |condition: &str| self.ways.get(&(way.to_owned(), condition.to_owned()));
        match listed(condition).or_else(|| listed("")) {
            Some(follows) => follows.replace("its cause", cause),
            None => then.to_owned(),
        }
    }

    pub fn places(&self) -> Vec<String> {
        let titles = self.text.lines().filter_map(|line| line.strip_prefix("### `"));
        titles.map(|title| title.trim_end_matches('`').to_owned()).collect()
    }

    pub fn rows(&self, place: &str) -> Vec<Row> {
        let table = self.table(&format!("### `{place}`"));
        assert_eq!(table[0], ["event", "when", "next", "then", "effects"], "the columns of {place}");
        table[1..]
            .iter()
            .map(|cells| {
                let [events, when, next, then, effects] = cells.as_slice() else {
                    panic!("a row of {place} has five cells: {cells:?}");
                };
                let does_nothing = next == "·";
                assert!(
                    !does_nothing || then.len() + effects.len() == 0,
                    "{place}: {cells:?} does something"
                );
                let [next, then, effects] = [next, then, effects].map(String::to_owned);
                Row { events: list(events), when: list(when), next, then, effects }
            })
            .collect()
    }

    /// The table that follows a heading: header first, cells trimmed and without code marks.
    pub fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let mut lines = self.text.lines().skip_while(|line| line.trim() != heading);
        assert!(lines.next().is_some(), "the document has the heading `{heading}`");
        let rows: Vec<Vec<String>> = lines
            .take_while(|line| !line.starts_with('#'))
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .filter(|line| !line.trim_matches(['|', '-', ' ', ':']).is_empty())
            .map(cells)
            .collect();
        assert!(rows.len() > 1, "a table follows `{heading}`");
        rows
    }
}

fn list(cell: &str) -> Vec<String> {
    cell.split(", ").filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let inner = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')).unwrap_or(line);
    inner.split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect()
}
