//! Holds the tables of `docs/LIFECYCLE.md` to the code: every cell is driven on the real machine.
//!
//! The document says, for each place in a plugin's life, what every event does there. This test puts a machine into
//! that place, under every condition that the document names, applies every event in every form, and compares. A
//! row, column, condition or place that only one side has is a failure.
#![allow(clippy::unwrap_used, unreachable_pub)] // a test may stop at once; its modules are its own

mod document;
mod outcome;
#[path = "../play/mod.rs"]
mod play;
mod scenes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use document::{Document, Row};
use outboard_lifecycle::{Deadline, Order, Policy};
use outcome::Outcome;
use scenes::{Form, PLACES, Scene};

/// The row that speaks of this form of the event in this scene: the one whose conditions all hold, and most of them.
fn row_for<'a>(rows: &'a [Row], scene: &Scene, form: &Form) -> Option<(usize, &'a Row)> {
    let holds = |row: &Row| {
        row.events.iter().any(|event| event == form.event)
            && row.when.iter().all(|when| when == scene.when || when == form.when)
    };
    let fitting: Vec<_> = rows.iter().enumerate().filter(|(_, row)| holds(row)).collect();
    let most = fitting.iter().map(|(_, row)| row.when.len()).max()?;
    let mut best = fitting.into_iter().filter(|(_, row)| row.when.len() == most);
    let chosen = best.next();
    assert!(
        best.next().is_none(),
        "{} in {} ({}): two rows speak of it",
        form.event,
        scene.place,
        scene.when
    );
    chosen
}

/// What the document says that this row does in this scene.
fn meaning(row: &Row, scene: &Scene, document: &Document) -> Outcome {
    let nothing = Outcome::nothing(scene);
    match (row.next.as_str(), row.then.as_str()) {
        ("·", _) => nothing,
        (_, "unchanged") => Outcome { then: nothing.then, ..row.outcome() },
        (_, then) => Outcome { then: document.follows(then, scene.when), ..row.outcome() },
    }
}

#[test]
fn every_row_of_every_place_is_what_the_machine_does_and_nothing_else_does_anything() {
    let document = Document::read();
    let mut wrong = String::new();
    for place in PLACES {
        let rows = document.rows(place);
        let mut used = BTreeSet::new();
        for scene in scenes::all().iter().filter(|scene| scene.place == place) {
            for form in &scenes::forms() {
                let row = row_for(&rows, scene, form);
                used.extend(row.map(|(index, _)| (index, form.event)));
                let says =
                    row.map_or_else(|| Outcome::nothing(scene), |(_, row)| meaning(row, scene, &document));
                let does = outcome::of(scene, form);
                if says != does {
                    let (event, form, when) = (form.event, form.when, scene.when);
                    writeln!(wrong, "{place}: {event} ({form}; {when})\n  says {says:?}\n  does {does:?}")
                        .unwrap();
                }
            }
        }
        for (index, row) in rows.iter().enumerate() {
            for event in row.events.iter().filter(|event| !used.contains(&(index, event.as_str()))) {
                writeln!(wrong, "{place}: row {} says of {event} what can never be: {row:?}", index + 1)
                    .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "docs/LIFECYCLE.md and the machine differ:\n{wrong}");
}

/// Where this event can lead from this place, in the words of the map.
fn destinations(place: &str, event: &str, scenes: &[Scene], forms: &[Form]) -> BTreeSet<String> {
    let mut does = BTreeSet::new();
    for scene in scenes.iter().filter(|scene| scene.place == place) {
        for form in forms.iter().filter(|form| form.event == event) {
            let outcome = outcome::of(scene, form);
            if outcome != Outcome::nothing(scene) {
                does.insert(outcome.next.split(", ").next().unwrap_or_default().to_owned());
            }
        }
    }
    does
}

#[test]
fn the_map_has_a_row_for_every_event_a_column_for_every_place_and_the_right_word_in_every_cell() {
    let map = Document::read().table("### The map");
    let (scenes, forms) = (scenes::all(), scenes::forms());
    assert_eq!(map[0][1..], PLACES.map(str::to_owned), "the columns are the places");
    let mut events: Vec<&str> = forms.iter().map(|form| form.event).collect();
    events.dedup();
    let rows: Vec<&str> = map[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(rows, events, "the rows are the events");

    let mut wrong = String::new();
    for row in &map[1..] {
        assert_eq!(row.len(), PLACES.len() + 1, "{} has a cell for every place", row[0]);
        for (place, says) in PLACES.iter().zip(&row[1..]) {
            let does = destinations(place, &row[0], &scenes, &forms);
            let says: BTreeSet<String> =
                says.split(" / ").filter(|word| *word != "·").map(str::to_owned).collect();
            if says != does {
                writeln!(wrong, "{} in {place}: the map says {says:?}, the machine {does:?}", row[0])
                    .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "docs/LIFECYCLE.md and the machine differ:\n{wrong}");
}

#[test]
fn the_document_has_a_section_for_every_place_and_for_no_other() {
    assert_eq!(Document::read().places(), PLACES);
}

#[test]
fn every_deadline_is_listed_with_its_default() {
    let written = |length: Duration| match length.subsec_millis() {
        0 => format!("{} s", length.as_secs()),
        _ => format!("{} ms", length.as_millis()),
    };
    let policy = Policy::default();
    let known: BTreeMap<String, String> = Deadline::ALL
        .iter()
        .filter(|deadline| **deadline != Deadline::BackOff)
        .map(|deadline| (deadline.name().to_owned(), written(policy.limit(*deadline))))
        .collect();
    let table = Document::read().table("### The waits");
    let listed: BTreeMap<String, String> =
        table[1..].iter().map(|row| (row[0].clone(), row[3].clone())).collect();
    assert_eq!(listed, known);
}

#[test]
fn after_a_shutdown_or_a_removal_nothing_brings_a_plugin_up_from_any_place() {
    let last_orders = [Order::Shutdown, Order::Remove];
    for (scene, last) in scenes::all().iter().flat_map(|scene| last_orders.clone().map(|last| (scene, last)))
    {
        let mut play = scene.play.clone();
        play.order(last);
        for form in scenes::forms() {
            if ["start", "restart", "update", "manifest-changed", "folder-changed"].contains(&form.event) {
                let event = (form.make)(&play);
                assert_eq!(play.step(event), [], "{} after a shutdown in {}", form.event, scene.place);
            }
        }
    }
}
