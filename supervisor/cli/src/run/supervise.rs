//! The supervisor proper: opens the layers, says when all is ready, waits, and ends in good order.

use std::path::PathBuf;
use std::time::Duration;

use outboard_files::look;
use outboard_host::ShutdownMode;
use outboard_host::discovery::open_to_others;
use outboard_host::process::{descriptors, keeper};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::amiss;
use super::announce::{announce, remarks};
use super::layers::Layers;
use super::options::LayerOptions;
use super::runtime_folder::RuntimeFolder;
use super::signals::{Signals, Told};
use super::threads;
use crate::failure::{Failure, Outcome};
use crate::settings::{Places, Settings};

/// What a first scan and the look at each plugin take beyond the longest start.
const READY_MARGIN: Duration = Duration::from_secs(5);
/// What the host's own end takes beyond the longest stop. The keeper ends whatever is left after it.
const STOP_MARGIN: Duration = Duration::from_secs(15);
/// How long a look at a plugins folder may take.
const FOLDER_LIMIT: Duration = Duration::from_secs(5);
/// How long a thread for blocking work waits for more. The looks of every second go from one idle thread to the next, so a longer
/// wait would keep all that a burst has made.
const IDLE_THREAD: Duration = Duration::from_secs(1);
/// Rescans under way at once. One reads what the next one would; more than two are repetitions.
const RESCANS: usize = 2;

/// Runs until told to stop.
///
/// # Errors
/// Why it could not start, or that its host ended by itself.
pub(super) fn supervise(settings: &Settings, places: &Places, options: LayerOptions) -> Outcome {
    // Where it cannot be raised, fewer connections fit below it.
    let raised = descriptors::raise_limit();
    // Before any thread: it takes over standard input and sets this thread's signal mask.
    let link = keeper::adopt_link();
    threads::can_be_had(threads::OF_A_SUPERVISOR)?;
    let runtime_folder = RuntimeFolder::take(&settings.runtime_dir, options.longest_stop + STOP_MARGIN)?;
    // One thread costs less for this work than several; what blocks has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(IDLE_THREAD)
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(async {
        let keeper_pid = link.as_ref().and_then(|link| u32::try_from(link.keeper()).ok());
        let deaf = |error| Failure::failed(format!("cannot listen to signals: {error}"));
        let hangups = Signals::hangups().map_err(deaf)?;
        if let Err(error) = raised {
            tracing::debug!(%error, "the limit of descriptors cannot be raised");
        }
        let (longest_start, longest_stop) = (options.longest_start, options.longest_stop);
        // Until all is open nothing runs that would have to be stopped, so a signal ends this process as it ends any other, also
        // where a disk holds it up.
        let mut layers = Layers::open(runtime_folder, settings, places, options, keeper_pid)?;
        let mut signals = Signals::listen(link, hangups).map_err(deaf)?;
        let end = wait(settings, places, &mut layers, &mut signals, longest_start + READY_MARGIN).await;
        if let End::Told(mode) = end {
            stop(&mut layers, &mut signals, mode, longest_stop + STOP_MARGIN).await;
        }
        layers.close().await;
        match end {
            End::Told(_) => Ok(()),
            End::Lost => Err(Failure::failed("the host ended by itself; the log says why")),
        }
    });
    // Threads that still wait for a disk or a console are left to the end of the process.
    runtime.shutdown_background();
    ended
}

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Somebody wants it, like this.
    Told(ShutdownMode),
    /// The host has ended by itself.
    Lost,
}

/// Says when all is ready, and waits for the end.
async fn wait(
    settings: &Settings,
    places: &Places,
    layers: &mut Layers,
    signals: &mut Signals,
    ready_limit: Duration,
) -> End {
    let host = layers.host.clone();
    let settled = timeout(ready_limit, host.settled());
    tokio::pin!(settled);
    let mut ready = false;
    let mut rescans: JoinSet<()> = JoinSet::new();
    let mut remarking: JoinSet<()> = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut settled, if !ready => {
                ready = true;
                let report = host.status(None);
                for remark in remarks(&report, settings, &places.listen) {
                    tracing::warn!("{remark}");
                }
                remarking.spawn(remark_on_folders(places.plugin_dirs.clone(), settings.source.clone()));
                announce(&report, &layers.record, &settings.runtime_dir, settings.options.ready_json);
            }
            told = signals.next() => match told {
                Told::Stop => return End::Told(ShutdownMode::Graceful),
                Told::Orphaned => return End::Told(ShutdownMode::Now),
                Told::Rescan if rescans.len() < RESCANS => {
                    let host = host.clone();
                    // The report is in the log; here is nobody to tell it to.
                    rescans.spawn(async move { drop(host.rescan().await) });
                }
                Told::Rescan => {}
            },
            Some(_) = rescans.join_next() => {}
            () = layers.tasks.ended() => return End::Lost,
        }
    }
}

/// Says what is amiss with the settings file and the folders in which plugins are looked for: above all, who else may change them. A folder that does not answer is the scan's to tell of.
async fn remark_on_folders(dirs: Vec<PathBuf>, settings: Option<PathBuf>) {
    if let Some(file) = settings {
        let place = file.clone();
        if let Ok(Some(remark)) = look(&file, FOLDER_LIMIT, move || open_to_others(&place)).await {
            tracing::warn!("{remark}");
        }
    }
    for dir in dirs {
        let place = dir.clone();
        let remarks = move || amiss(&place).into_iter().chain(open_to_others(&place)).collect::<Vec<_>>();
        for remark in look(&dir, FOLDER_LIMIT, remarks).await.unwrap_or_default() {
            tracing::warn!("{remark}");
        }
    }
}

/// Ends the plugins: in good order, or at once when told again.
async fn stop(layers: &mut Layers, signals: &mut Signals, mode: ShutdownMode, limit: Duration) {
    tracing::info!("stopping{}", if mode == ShutdownMode::Now { " at once" } else { "" });
    let host = layers.host.clone();
    let ended = async {
        host.shutdown(mode).await;
        loop {
            tokio::select! {
                () = layers.tasks.ended() => break,
                told = signals.next() => if told != Told::Rescan {
                    tracing::warn!("told again: ending every plugin at once");
                    host.shutdown(ShutdownMode::Now).await;
                },
            }
        }
    };
    if timeout(limit, ended).await.is_err() {
        tracing::error!("the plugins did not end in time; the keeper ends what is left of them");
    }
}
