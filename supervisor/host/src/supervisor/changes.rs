//! What a scan found, compared with what there is: plugins are added, told of changes, tried again, or retired.
//!
//! Called by the supervisor's task when a scan tells something. It must not know how folders are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use outboard_lifecycle::Order;
use outboard_protocol::PluginId;
use outboard_protocol::control::RescanReport;
use tokio::time::Instant;

use super::{Entry, Supervisor};
use crate::discovery::{Findings, Installed, Invalid, Program, Readings, Told};
use crate::tries::Turn;

impl Supervisor {
    /// Takes in what a scan tells.
    pub(super) async fn scanned(&mut self, told: Option<Told>) {
        match told {
            Some(Told::Meanwhile(readings)) => {
                let invalid = self.compare(readings).await;
                self.publish(invalid);
            }
            Some(Told::All(readings)) => {
                let misses_something = readings.misses_something();
                let invalid = self.compare(readings).await;
                self.tell_news(&invalid);
                if let Some(report) = self.scanning.report() {
                    report.invalid =
                        invalid.iter().map(|(name, found)| (name.clone(), found.reason.clone())).collect();
                }
                self.publish(invalid);
                let closely = self.given_up();
                self.scanning.end(misses_something, closely);
            }
            None => {
                tracing::error!("the plugin folders could not be looked through; everything stays as it is");
                let invalid = self.catalogue.borrow().invalid.clone();
                self.publish(invalid);
                let closely = self.given_up();
                self.scanning.end(false, closely);
            }
        }
    }

    /// Makes of the readings what runs; gives the folders that are not usable plugins.
    async fn compare(&mut self, readings: Readings) -> BTreeMap<String, Invalid> {
        let runs_in = |id: &PluginId| {
            let entry = self.plugins.get(id)?;
            let at_rest = entry.handle.view.borrow().is_at_rest();
            (!at_rest).then(|| entry.installed.folder.clone())
        };
        let listed = readings.folders.iter().map(|(folder, _)| folder);
        let watched: BTreeSet<PathBuf> = listed.chain(self.scanning.dirs()).cloned().collect();
        let mut findings = Findings::of(readings, runs_in);
        self.keep_watches(&watched, &findings);
        let known = Arc::clone(&self.catalogue.borrow());
        for (name, found) in &mut findings.invalid {
            if let Some(known) = known.invalid.get(name).filter(|known| known.reason == found.reason) {
                found.since = known.since;
            }
        }
        let mut report = RescanReport::default();
        let invalid = self.take_in(findings, &mut report).await;
        if let Some(all) = self.scanning.report() {
            all.added.append(&mut report.added);
            all.changed.append(&mut report.changed);
            all.removed.append(&mut report.removed);
        }
        invalid
    }

    /// Watched are the folders themselves and those of their entries; of what does not run, all of it; and above a plugins folder that
    /// is absent, whatever it may appear in.
    fn keep_watches(&self, watched: &BTreeSet<PathBuf>, findings: &Findings) {
        let watches = self.scanning.watches();
        let absent = self.scanning.dirs().iter().filter(|dir| !watches.has(dir));
        let absent: Vec<PathBuf> = absent.filter_map(|dir| std::path::absolute(dir).ok()).collect();
        let mut deep = self.given_up();
        deep.extend(findings.invalid.values().map(|invalid| invalid.folder.clone()));
        watches.keep_only(|folder| {
            watched.contains(folder)
                || folder.parent().is_some_and(|above| watched.contains(above))
                || folder.ancestors().any(|above| deep.contains(above))
                || absent.iter().any(|dir| dir.starts_with(folder))
        });
    }

    /// Every scan finds all of them again; what an operator has read once is known.
    fn tell_news(&self, invalid: &BTreeMap<String, Invalid>) {
        let known = Arc::clone(&self.catalogue.borrow());
        let news =
            |name: &str, reason: &str| known.invalid.get(name).is_none_or(|known| known.reason != reason);
        for (name, found) in invalid.iter().filter(|(name, found)| news(name, &found.reason)) {
            tracing::warn!(plugin = %name, reason = %found.reason, "not a usable plugin");
        }
    }

    async fn take_in(&mut self, findings: Findings, report: &mut RescanReport) -> BTreeMap<String, Invalid> {
        let Findings { installed, invalid, silent, complete } = findings;
        let found: BTreeSet<PluginId> = installed.keys().cloned().collect();
        // What lies in a folder that cannot be read is not gone.
        if complete {
            self.retire_missing(&found, &invalid, &silent, report).await;
        }
        for (id, found) in installed {
            self.adopt(id, Arc::new(found), report).await;
        }
        // A folder that does not answer may hold any plugin, so the prefixes of one that cannot be found are not given away.
        if complete && silent.is_empty() {
            let freed = self.context.prefixes.keep_only(|id| {
                found.contains(id) || self.plugins.contains_key(id) || invalid.contains_key(id.as_str())
            });
            // The prefixes are free at once; that this is remembered is awaited with the actors.
            self.actors.spawn(freed);
        }
        invalid
    }

    /// Plugins whose folder is gone are stopped. One whose manifest broke while it runs goes on with what it has.
    async fn retire_missing(
        &mut self,
        installed: &BTreeSet<PluginId>,
        invalid: &BTreeMap<String, Invalid>,
        silent: &BTreeSet<PathBuf>,
        report: &mut RescanReport,
    ) {
        // A folder that does not answer is there still.
        let is_missing = |id: &PluginId, entry: &Entry| {
            !installed.contains(id) && !silent.contains(&entry.installed.folder)
        };
        let missing = self.plugins.iter().filter(|(id, entry)| is_missing(id, entry));
        let missing: Vec<PluginId> = missing.map(|(id, _)| id.clone()).collect();
        for id in missing {
            let Some(entry) = self.plugins.get(&id) else { continue };
            let folder = &entry.installed.folder;
            let broken = invalid.values().any(|found| found.folder == *folder && !found.is_ambiguous());
            if broken && !entry.handle.view.borrow().is_at_rest() {
                continue;
            }
            let Some(entry) = self.plugins.remove(&id) else { continue };
            self.context.bus.forget(&id);
            self.shared.routes.remove(&id);
            self.forget_past(&id);
            report.removed.push(id.to_string());
            entry.handle.order(Order::Remove, None).await;
            self.retiring.insert(id, entry);
        }
    }

    async fn adopt(&mut self, id: PluginId, found: Arc<Installed>, report: &mut RescanReport) {
        let Some(entry) = self.plugins.get_mut(&id) else {
            // Never two processes of one plugin: its former actor has to end first, and says when.
            if !self.retiring.contains_key(&id) {
                report.added.push(id.to_string());
                self.add(id, found).await;
            }
            return;
        };
        if entry.installed.is_same(&found) {
            self.renew(&id, found).await;
            return;
        }
        report.changed.push(id.to_string());
        let before = std::mem::replace(&mut entry.installed, Arc::clone(&found));
        let handle = entry.handle.clone();
        let another_ui = before.has_ui && found.has_ui && before.ui_stamp != found.ui_stamp;
        self.declare(&id, &found);
        let had_program = before.program != Program::None;
        let starts = !had_program && self.is_wanted(&id, &found) && !*self.held.borrow();
        // A version without a program has never run.
        let from = if had_program { Some(before.version()) } else { self.context.plugins.last_version(&id) };
        handle.order(changed(from, &found), Some(found)).await;
        if another_ui {
            self.context.bus.reload(&id);
        }
        // What had nothing to run was never told to start.
        if starts {
            handle.order(Order::Start, None).await;
        }
    }

    /// The same manifest and the same program. What else is new is shown; and one that was given up is tried again where its folder
    /// is not what it was when it was started.
    async fn renew(&mut self, id: &PluginId, found: Arc<Installed>) {
        let Some(entry) = self.plugins.get_mut(id) else { return };
        let handle = entry.handle.clone();
        let (errored, beginnings) = {
            let view = handle.view.borrow();
            (view.is_errored(), view.snapshot.beginnings)
        };
        let changed = found.stamp.is_some_and(|now| handle.started_on().is_some_and(|then| now != then));
        if changed && errored {
            match entry.tries.turn(Instant::now(), beginnings) {
                Turn::Now => {
                    tracing::info!(plugin = %id, "something in its folder has changed, so it is tried again");
                    entry.installed = Arc::clone(&found);
                    handle.order(Order::FolderChanged, Some(found)).await;
                    return;
                }
                Turn::At(at) => self.try_at = Some(self.try_at.map_or(at, |before| before.min(at))),
                Turn::Over => {}
            }
        }
        if !entry.installed.looks_the_same(&found) {
            let before = std::mem::replace(&mut entry.installed, Arc::clone(&found));
            let another_ui = before.has_ui && found.has_ui && before.ui_stamp != found.ui_stamp;
            handle.show(found).await;
            if another_ui {
                self.context.bus.reload(id);
            }
        }
    }
}

/// What a change of what is installed means for a plugin that ran this version before.
fn changed(from: Option<String>, now: &Installed) -> Order {
    let to = now.version();
    match from {
        // Nothing is left to run.
        _ if now.program == Program::None => Order::Stop,
        Some(from) if from != to => Order::Update { from, to, has_old: false },
        _ => Order::ManifestChanged,
    }
}
