//! `outboard dev DIR`: builds a plugin, runs it under a supervisor of its own, and does so again after each save.
//!
//! ```text
//!   watch ──saved──▶ round: build ──▶ order ──control──▶ child: outboard run, with this plugin alone
//!                      └──────────── desk ◀──records, states──┘
//! ```
//!
//! One build at a time; the last save wins. The supervisor stays, so what is connected to it stays connected.

mod build;
mod child;
mod desk;
mod inspect;
mod launch_file;
mod page;
mod place;
mod project;
mod replay;
mod round;
mod watch;

use std::collections::BTreeSet;
use std::future::pending;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Instant;

use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::methods::{HostEvents, LogRecords};
use outboard_protocol::control::{HostEvent, LogRecord, LogsParams, NoParams, PluginState};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::child::{Folders, Supervisor};
use self::desk::{Desk, Fault};
use self::inspect::Inspect;
use self::project::Project;
use self::replay::Replay;
use self::watch::Tree;
use crate::arguments::{DevArguments, Global};
use crate::client::Client;
use crate::failure::{Exit, Failure, Outcome};
use crate::render::Screen;
use crate::settings::Settings;

/// Under which the supervisor logs what becomes of a plugin.
const LIFECYCLE: &str = "lifecycle";

/// Runs until it is interrupted.
pub(super) fn run(
    screen: &mut Screen,
    mut settings: Settings,
    global: &Global,
    wanted: &DevArguments,
) -> Outcome {
    let project = Project::read(&wanted.dir)?;
    let folders = Folders::make(&project, wanted.data.as_deref())?;
    settings.runtime_dir = folders.runtime();
    let desk = Desk::new(screen, &project, &folders.link);
    super::block_on(async {
        let mut ends = Ends::listen()?;
        let mut tree = Tree::new(&project)?;
        if !first_build(&desk, &project, &mut tree, &mut ends).await? {
            return Err(Failure::said(Exit::Failed));
        }
        let inspect = Inspect::wanted(wanted, &project).await?;
        if let Some(inspect) = &inspect {
            inspect.tell(&desk, &project)?;
            settings.options.timeout = Some(inspect::PATIENT);
        }
        let replay = Replay::of(wanted.replay.as_ref());
        let mut further = inspect.as_ref().map(|inspect| inspect.settings(&project.id)).unwrap_or_default();
        further.extend(replay.as_ref().map(|_| replay::TRACE.to_owned()));
        let mut supervisor = Supervisor::start(&folders, wanted, global, &further)?;
        let most = if inspect.is_some() { inspect::PATIENT } else { child::READY_MAX };
        let ready = tokio::select! {
            ready = supervisor.ready(most) => ready?,
            () = ends.next() => return stop(&mut supervisor, &mut ends, inspect.as_ref(), Ok(())).await,
        };
        let mut plan = Plan { listen: ready.listen, inspect, replay };
        let done = develop(&desk, &settings, project, &mut tree, &mut supervisor, &mut plan, &mut ends).await;
        let done = stop(&mut supervisor, &mut ends, plan.inspect.as_ref(), done).await;
        if done.is_ok() && desk.is_failing() { Err(Failure::said(Exit::Failed)) } else { done }
    })
}

/// Builds until it succeeds, again after each save; false where somebody wants an end instead.
async fn first_build(desk: &Desk<'_>, project: &Project, tree: &mut Tree, ends: &mut Ends) -> Outcome<bool> {
    loop {
        let fault = tokio::select! {
            built = round::build(desk, project) => match built? {
                Ok(()) => match project.check() {
                    Ok(()) => return Ok(true),
                    // Without a build nothing will be otherwise.
                    Err(failure) if project.build.is_none() => return Err(failure),
                    Err(failure) => Fault::new(failure.message()),
                },
                Err(fault) => fault,
            },
            changed = tree.changed() => {
                desk.changed(changed?.iter())?;
                continue;
            }
            () = ends.next() => return Ok(false),
        };
        desk.fault("failed", &fault)?;
        desk.say("waiting", "waiting for the next save", json!({}))?;
        tokio::select! {
            changed = tree.changed() => desk.changed(changed?.iter())?,
            () = ends.next() => return Ok(false),
        }
    }
}

/// What holds for as long as it runs.
struct Plan {
    /// Where the plugin is reached.
    listen: String,
    inspect: Option<Inspect>,
    replay: Option<Replay>,
}

type Round<'r> = Pin<Box<dyn Future<Output = Outcome<(Project, Option<Fault>)>> + 'r>>;

/// Waits for everything at once: saves, what the plugin says, what becomes of it, and the end.
async fn develop(
    desk: &Desk<'_>,
    settings: &Settings,
    mut project: Project,
    tree: &mut Tree,
    supervisor: &mut Supervisor,
    plan: &mut Plan,
    ends: &mut Ends,
) -> Outcome {
    let client = Client::connect(settings).await?;
    let everything = LogsParams { lines: Some(1_000), ..LogsParams::default() };
    let mut records = client.subscribe::<LogRecords>(&everything).await?;
    let mut events = client.subscribe::<HostEvents>(&NoParams {}).await?;
    let prints = round::Prints::new(round::prints_of(&project.run_dir));
    begin(desk, &client, &project, &plan.listen).await?;
    let mut changed = BTreeSet::new();
    let mut round: Option<Round<'_>> = None;
    let mut hint: Option<tokio::time::Instant> = None;
    let listen = plan.listen.clone();
    let mut replaying: Option<Pin<Box<dyn Future<Output = Outcome> + '_>>> = None;
    loop {
        tokio::select! {
            heard = tree.changed() => {
                let heard = heard?;
                desk.changed(heard.iter())?;
                // What a round that was not finished had to do is to be done by the next.
                changed.extend(heard);
                replaying = None;
                if plan.inspect.is_some() {
                    if round.take().is_some() {
                        inspect::end(&client, &project.id).await?;
                    }
                    hint = Some(tokio::time::Instant::now() + inspect::HINT_AFTER);
                }
                round = Some(Box::pin(one_round(desk, &client, project.clone(), changed.clone(), &prints)));
            }
            () = at(hint) => {
                hint = None;
                let kept = inspect::kept(&client, &project.id).await?;
                if let Some((state, text)) = kept.filter(|_| round.is_some()) {
                    desk.say("kept", &text, json!({ "state": state }))?;
                }
            }
            done = next(&mut round) => {
                (round, hint) = (None, None);
                let (now, fault) = done?;
                changed.clear();
                if now != project {
                    tree.follow(&now);
                    project = now;
                }
                if let Some(fault) = fault {
                    page::fault(&client, &project.id, desk.fault("failed", &fault)?).await?;
                    desk.say("waiting", "waiting for the next save", json!({}))?;
                } else if let Some(request) = plan.replay.as_ref().and_then(Replay::due) {
                    let (client, listen, id) = (&client, &listen, project.id.clone());
                    replaying = Some(Box::pin(async move {
                        replay::again(desk, client, &id, listen, request).await
                    }));
                }
            }
            done = next(&mut replaying) => {
                replaying = None;
                done?;
            }
            Some(record) = records.next() => {
                let Ok(record) = record else { continue };
                let is_request = plan.replay.as_mut().is_some_and(|replay| replay.hears(&record));
                if let Some(replay) = plan.replay.as_mut().filter(|_| is_request) {
                    replay.tell(desk)?;
                } else if is_of_interest(&record) {
                    desk.record(&record)?;
                }
            }
            Some(event) = events.next() => {
                // A round tells itself what came of it.
                if let Ok(HostEvent::PluginState { status }) = event && round.is_none() {
                    match status.state {
                        PluginState::BackingOff | PluginState::Errored => {
                            let fault = round::fault_of(&client, &status).await?;
                            page::fault(&client, &project.id, desk.fault("failed", &fault)?).await?;
                        }
                        PluginState::Running if desk.is_failing() => {
                            desk.well("running", "it runs again", json!({}))?;
                            page::well(&client, &project.id, false).await?;
                        }
                        _ => {}
                    }
                }
            }
            () = supervisor.exited() => return Err(supervisor.ended().await),
            () = ends.next() => return Ok(()),
        }
    }
}

async fn next<T>(round: &mut Option<Pin<Box<dyn Future<Output = T> + '_>>>) -> T {
    match round {
        Some(round) => round.await,
        None => pending().await,
    }
}

async fn at(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => pending().await,
    }
}

async fn one_round(
    desk: &Desk<'_>,
    client: &Client,
    before: Project,
    changed: BTreeSet<PathBuf>,
    prints: &round::Prints,
) -> Outcome<(Project, Option<Fault>)> {
    let since = Instant::now();
    let project = match Project::read(&before.folder) {
        Ok(project) => project,
        Err(failure) => {
            return Ok((before, Some(Fault::new(failure.message()))));
        }
    };
    round::same_plugin(&before, &project)?;
    if let Err(fault) = round::build(desk, &project).await? {
        return Ok((project, Some(fault)));
    }
    if let Err(failure) = project.check() {
        return Ok((project, Some(Fault::new(failure.message()))));
    }
    let due = round::due(&project, &changed, prints);
    let fault = round::order(desk, client, &project, due, since).await?;
    Ok((project, fault))
}

/// Says where it is, or why it is not.
async fn begin(desk: &Desk<'_>, client: &Client, project: &Project, listen: &str) -> Outcome {
    use outboard_protocol::control::StatusParams;
    use outboard_protocol::control::methods::Status;
    let params = StatusParams { id: Some(project.id.clone()) };
    let report = client.ask::<Status>(&params, crate::client::QUESTION_WAIT).await?;
    let Some(status) = report.plugins.into_iter().next() else {
        return Err(Failure::failed(format!("the supervisor does not know {}", project.id)));
    };
    let origin = crate::run::shown(listen);
    let ui = project.run_dir.join(outboard_protocol::manifest::UI_ENTRY).is_file();
    let page = ui.then(|| format!("{origin}/_outboard/shell/{}", project.id));
    if matches!(status.state, PluginState::Errored | PluginState::BackingOff | PluginState::Invalid) {
        let fault = round::fault_of(client, &status).await?;
        page::fault(client, &project.id, desk.fault("failed", &fault)?).await?;
    } else {
        let routes: Vec<String> = status.routes.iter().map(|route| format!("{origin}{route}/")).collect();
        let places = routes.iter().chain(&page).cloned().collect::<Vec<_>>().join("  ");
        let text = format!("{} runs: {places}", project.id);
        desk.well(
            "running",
            text.trim_end_matches(": "),
            json!({ "origin": origin, "routes": routes, "page": page }),
        )?;
    }
    desk.say(
        "watching",
        &format!("watching {}; Ctrl-C ends it", project.folder.display()),
        json!({ "folder": project.folder }),
    )
}

/// All that the plugin says, and what the supervisor is worried about. What becomes of the plugin's processes is told by us.
fn is_of_interest(record: &LogRecord) -> bool {
    match record.plugin {
        Some(_) => record.tag != LIFECYCLE,
        None => record.level >= LogLevel::Warn,
    }
}

/// Ends the supervisor, and gives what was to be said.
async fn stop(
    supervisor: &mut Supervisor,
    ends: &mut Ends,
    inspect: Option<&Inspect>,
    done: Outcome,
) -> Outcome {
    supervisor.tell_to_stop();
    let mut hurry = inspect.map(|_| tokio::time::Instant::now() + inspect::END_AFTER);
    loop {
        tokio::select! {
            () = supervisor.stopped() => return done,
            () = at(hurry) => {
                hurry = None;
                supervisor.tell_to_stop();
            }
            // Impatience is handed on: everything ends at once.
            () = ends.next() => supervisor.tell_to_stop(),
        }
    }
}

/// What ends it: Ctrl-C, and whoever ends programs.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Ends {
    fn listen() -> Outcome<Self> {
        let deaf = |error| Failure::failed(format!("cannot listen to signals: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(deaf)?,
            terminate: signal(SignalKind::terminate()).map_err(deaf)?,
            hangup: signal(SignalKind::hangup()).map_err(deaf)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
