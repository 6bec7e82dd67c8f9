//! The writer's thread: takes what waits, writes each source's lines at once, tells subscribers and the console.
//!
//! Run by [`super::Logs`]. Must not know who records or reads. A disk that refuses costs records, with a count, and never time.

use std::collections::{HashMap, VecDeque};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use tokio::sync::oneshot;

use super::console::ConsoleThread;
use super::file::{LogFile, places};
use super::filter::Filter;
use super::inbox::{Inbox, Item, Loss, Order};
use super::options::LogOptions;
use super::record::{Clock, Line, NewRecord, Source, time_text};
use super::subscription::LogOutlet;
use super::tail::{Snapshot, SourceFiles};
use crate::trouble::{self, Troubles};

/// Of the folder, where it has to be made again: only the supervisor's user enters.
const FOLDER_MODE: u32 = 0o700;

/// Files that are kept open: descriptors are few, and opening one costs little beside a batch.
const OPEN_MAX: usize = 48;

/// How often it is tried to tell a loss of a source that says nothing more: it is how one learns that the disk works again.
const OWED_EVERY: Duration = Duration::from_secs(1);

/// Lines of one source that are put together before they are written, in bytes.
const BATCH_MAX: usize = 256 * 1024;

/// The stem of the supervisor's own file; no plugin has this id.
const OWN_STEM: &str = "outboard";

pub(super) struct Writer {
    folder: PathBuf,
    file_max: u64,
    files: u32,
    open: HashMap<Source, LogFile>,
    batches: HashMap<Source, Batch>,
    subscribers: Vec<Arc<LogOutlet>>,
    console: Option<ConsoleThread>,
    clock: Clock,
    /// When it was last tried to tell losses by themselves.
    owed_tried: Option<Instant>,
    /// Records that were not kept since the start, of all sources.
    dropped: Arc<AtomicU64>,
    troubles: Troubles,
}

#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    count: u64,
    /// Records that the disk refused and that nobody was told of yet.
    refused: u64,
    generation: u64,
}

impl Writer {
    pub(super) fn new(
        folder: &Path,
        options: LogOptions,
        dropped: Arc<AtomicU64>,
        troubles: Troubles,
    ) -> io::Result<Self> {
        let LogOptions { file_max, files, console, .. } = options;
        let console = console.map(ConsoleThread::start).transpose()?;
        Ok(Self {
            folder: folder.to_owned(),
            file_max: file_max.max(1),
            files: files.max(1),
            open: HashMap::new(),
            batches: HashMap::new(),
            subscribers: Vec::new(),
            console,
            clock: Clock::default(),
            owed_tried: None,
            dropped,
            troubles,
        })
    }

    pub(super) fn run(mut self, inbox: &Inbox) {
        let mut items = VecDeque::new();
        let closed = 'life: loop {
            inbox.take(&mut items, self.owes().then_some(OWED_EVERY));
            for item in items.drain(..) {
                match item {
                    Item::Record(record, time) => self.record(&record, time),
                    Item::Order(Order::Close(reply)) => break 'life reply,
                    Item::Order(order) => self.obey(order),
                }
            }
            self.write_batches();
        };
        self.write_batches();
        for subscriber in &self.subscribers {
            subscriber.end();
        }
        if let Some(console) = self.console.take() {
            console.close();
        }
        let _ = closed.send(());
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Subscribe(outlet) => self.subscribers.push(outlet),
            Order::Snapshot { filter, subscribe, reply } => self.snapshot(&filter, subscribe, reply),
            Order::Flush(reply) => {
                self.write_batches();
                let _ = reply.send(());
            }
            Order::Lost { source, generation, count, why } => {
                self.dropped.fetch_add(count, Ordering::Relaxed);
                let what = match why {
                    Loss::Full => {
                        format!("lost {count} log records: they came faster than they could be written")
                    }
                    Loss::Rate(rate) => {
                        format!("lost {count} log records: more than {rate} a second, the limit")
                    }
                };
                self.record(&about(source, generation, what), Timestamp::now());
            }
            Order::Close(_) => {}
        }
    }

    fn record(&mut self, record: &NewRecord, time: Timestamp) {
        let line = Line::new(record, self.clock.text(time));
        let batch = match self.batches.get_mut(&record.plugin) {
            Some(batch) => batch,
            None => self.batches.entry(record.plugin.clone()).or_default(),
        };
        line.write(&mut batch.lines);
        batch.count += 1;
        batch.generation = record.generation;
        let full = batch.lines.len() >= BATCH_MAX;
        self.subscribers.retain(|subscriber| !subscriber.is_gone());
        if !self.subscribers.is_empty() {
            let told = line.to_record();
            self.subscribers.iter().for_each(|subscriber| subscriber.offer(&told));
        }
        if let Some(console) = &self.console {
            console.show(&line);
        }
        if full {
            self.write_batch(&record.plugin.clone());
        }
    }

    /// The files of the wanted sources as they are now, so that a reader sees everything up to here and nothing after.
    fn snapshot(
        &mut self,
        filter: &Filter,
        subscribe: Option<Arc<LogOutlet>>,
        reply: oneshot::Sender<Snapshot>,
    ) {
        self.write_batches();
        let sources = sources_in(&self.folder)
            .into_iter()
            .filter(|source| filter.wants_source(source.as_ref().map(PluginId::as_str)))
            .map(|source| SourceFiles::new(places(&self.path(&source), self.files)))
            .collect();
        self.subscribers.extend(subscribe);
        let _ = reply.send(Snapshot { sources });
    }

    /// Whether a loss waits to be told.
    fn owes(&self) -> bool {
        self.batches.values().any(|batch| batch.refused > 0)
    }

    fn write_batches(&mut self) {
        let owed = self.owes() && self.owed_tried.is_none_or(|last| last.elapsed() >= OWED_EVERY);
        if owed {
            self.owed_tried = Some(Instant::now());
        }
        let worth = |batch: &Batch| !batch.lines.is_empty() || (owed && batch.refused > 0);
        let batches = self.batches.iter().filter(|(_, batch)| worth(batch));
        let sources: Vec<Source> = batches.map(|(source, _)| source.clone()).collect();
        for source in sources {
            self.write_batch(&source);
        }
        // A batch that is empty and owes nobody a count is not worth its memory.
        self.batches.retain(|_, batch| !batch.lines.is_empty() || batch.refused > 0);
    }

    fn write_batch(&mut self, source: &Source) {
        let Some(mut batch) = self.batches.remove(source) else { return };
        if !batch.lines.is_empty() || batch.refused > 0 {
            if batch.refused > 0 {
                let what = format!("lost {} log records: the disk refused them", batch.refused);
                Line::new(&about(source.clone(), batch.generation, what), &time_text(Timestamp::now()))
                    .write(&mut batch.lines);
            }
            match self.append(source, &batch.lines) {
                Ok(()) => {
                    batch.refused = 0;
                    // Where another source's file is still refused, the trouble goes on.
                    if self.batches.values().all(|other| other.refused == 0) {
                        self.troubles.clear(trouble::LOG_FILES);
                    }
                }
                Err(error) => {
                    self.open.remove(source);
                    self.complain(&batch, &error);
                    batch.refused += batch.count;
                    self.dropped.fetch_add(batch.count, Ordering::Relaxed);
                }
            }
            batch.lines.clear();
            batch.count = 0;
        }
        self.batches.insert(source.clone(), batch);
    }

    fn append(&mut self, source: &Source, lines: &[u8]) -> io::Result<()> {
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(source) {
            self.open.clear();
        }
        let path = self.path(source);
        let file = match self.open.remove(source) {
            Some(file) if file.is_in_place() => file,
            Some(_) => self.begin_anew(source, &path)?,
            None => self.reach(&path)?,
        };
        let file = self.open.entry(source.clone()).or_insert(file);
        if file.size() > 0 && file.size() + lines.len() as u64 > self.file_max {
            file.rotate(self.files)?;
        }
        file.append(lines)
    }

    /// Opens a file, in a folder that may have been removed.
    fn reach(&self, path: &Path) -> io::Result<LogFile> {
        LogFile::open(path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder)?;
                LogFile::open(path)
            }
            _ => Err(error),
        })
    }

    /// In place of a file that somebody removed or replaced: what it held is gone, and the new one says so first.
    fn begin_anew(&self, source: &Source, path: &Path) -> io::Result<LogFile> {
        let mut file = self.reach(path)?;
        let what = format!(
            "{} was removed or replaced while it was written; a new one begins here, and what stood in the former one is gone",
            path.display()
        );
        let record = about(source.clone(), 0, what);
        let time = time_text(Timestamp::now());
        let mut line = Vec::new();
        Line::new(&record, &time).write(&mut line);
        file.append(&line)?;
        if let Some(console) = &self.console {
            console.show(&Line::new(&record, &time));
        }
        Ok(file)
    }

    /// Once for each time that the disk begins to refuse, and to the console alone: the file is what does not work.
    fn complain(&self, batch: &Batch, error: &io::Error) {
        let what = format!(
            "cannot write to the logs in {} ({error}); records are dropped and counted. Make room there, or make the folder writable",
            self.folder.display()
        );
        self.troubles.set(trouble::LOG_FILES, &what);
        if batch.refused > 0 {
            return;
        }
        if let Some(console) = &self.console {
            let record = NewRecord::supervisor(LogLevel::Error, what);
            console.show(&Line::new(&record, &time_text(Timestamp::now())));
        }
    }

    fn path(&self, source: &Source) -> PathBuf {
        let stem = match source {
            None => OWN_STEM,
            Some(id) => id.as_str(),
        };
        self.folder.join(format!("{stem}.jsonl"))
    }
}

fn about(source: Source, generation: u64, message: String) -> NewRecord {
    NewRecord { plugin: source, generation, ..NewRecord::supervisor(LogLevel::Warn, message) }
}

/// Whose files there are, by id and the supervisor's last: of records of the same moment, what it says about others follows.
fn sources_in(folder: &Path) -> Vec<Source> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut sources: Vec<Source> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            match name.strip_suffix(".jsonl")? {
                OWN_STEM => Some(None),
                id => PluginId::new(id).ok().map(Some),
            }
        })
        .collect();
    sources.sort_by(|one, other| one.is_none().cmp(&other.is_none()).then_with(|| one.cmp(other)));
    sources
}
