//! The verbs, one file each: ask the supervisor, or look at files, and show the answer.
//!
//! Called by `main`. No verb decides anything about plugins.

mod airline;
mod auth;
mod backup;
mod call;
mod check;
mod check_program;
mod check_ui;
mod completions;
mod config;
mod conform;
mod db;
mod dev;
mod doctor;
mod events;
mod import_shell;
mod list;
mod listen;
mod log_level;
mod logs;
mod new;
mod order;
mod rescan;
mod sdk;
mod secret;
mod services;
mod status;
mod transfer;
mod why;

use std::future::Future;
use std::process::ExitCode;

use outboard_protocol::PluginId;
use outboard_protocol::control::methods::{Call, Disable, Enable, Restart, Start, Stop};
use outboard_protocol::wire::readable;
use serde_json::value::RawValue;

use crate::arguments::{Arguments, SdkVerb, Verb};
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::Screen;
use crate::run::{self, Role};
use crate::settings::{Settings, Typed};

/// Does what the command line says.
pub(crate) fn dispatch(arguments: Arguments, typed: Typed, role: Role) -> Outcome<ExitCode> {
    if let Verb::Completions { shell } = arguments.verb {
        return completions::run(shell).map(|()| ExitCode::SUCCESS);
    }
    let global = arguments.global;
    let settings = Settings::resolve(global.config.as_deref(), &global.set, typed)?;
    if let Verb::Run = arguments.verb {
        return run::run(settings, role);
    }
    let mut screen = Screen::new(&settings);
    let done = match arguments.verb {
        Verb::New(new) => new::run(&mut screen, &new),
        Verb::Dev(wanted) => dev::run(&mut screen, settings, &global, &wanted),
        Verb::Sdk(SdkVerb::Install { dir }) => sdk::install(&mut screen, &dir),
        Verb::Check { dir } => check::run(&mut screen, &settings, &dir),
        Verb::Conform(flags) => conform::run(&mut screen, &settings, flags),
        Verb::Restore { file } => backup::restore(&mut screen, &settings, &file),
        Verb::Doctor => doctor::run(&mut screen, &settings),
        verb => ask(&settings, &mut screen, verb),
    };
    let flushed = screen.flush();
    done?;
    flushed?;
    Ok(ExitCode::SUCCESS)
}

/// The verbs that need a supervisor.
fn ask(settings: &Settings, screen: &mut Screen, verb: Verb) -> Outcome {
    match verb {
        Verb::List => with_client(settings, async |client| list::run(client, screen).await),
        Verb::Status { id } => {
            with_client(settings, async |client| status::run(client, screen, id.as_deref()).await)
        }
        Verb::Start(one) => order::<Start>(settings, screen, &one.id),
        Verb::Stop(one) => order::<Stop>(settings, screen, &one.id),
        Verb::Restart(one) => order::<Restart>(settings, screen, &one.id),
        Verb::Enable(one) => order::<Enable>(settings, screen, &one.id),
        Verb::Disable(one) => order::<Disable>(settings, screen, &one.id),
        Verb::Services => with_client(settings, async |client| services::run(client, screen).await),
        Verb::Rescan => with_client(settings, async |client| rescan::run(client, screen).await),
        Verb::Logs(logs) => logs::run(settings, screen, logs.id.as_deref()),
        Verb::LogLevel { id, level } => {
            with_client(settings, async |client| log_level::run(client, screen, &id, level).await)
        }
        Verb::Events => with_client(settings, async |client| events::run(client, screen).await),
        Verb::Db { id, file } => db::run(settings, screen, &id, file.as_ref()),
        Verb::Backup { file } => {
            with_client(settings, async |client| backup::run(client, screen, &file).await)
        }
        Verb::ImportShell { dir } => {
            with_client(settings, async |client| import_shell::run(client, screen, &dir).await)
        }
        Verb::Why(one) => with_client(settings, async |client| why::run(client, screen, &one.id).await),
        Verb::Config(verb) => with_client(settings, async |client| config::run(client, screen, verb).await),
        Verb::Auth(verb) => auth::run(settings, screen, &verb),
        Verb::Airline(verb) => airline::run(settings, screen, verb),
        Verb::Call(call) => {
            with_client(settings, async |client| call::run(client, screen, settings, call).await)
        }
        Verb::Listen(one) => with_client(settings, async |client| listen::run(client, screen, &one.id).await),
        Verb::Run
        | Verb::New(_)
        | Verb::Dev(_)
        | Verb::Sdk(_)
        | Verb::Restore { .. }
        | Verb::Check { .. }
        | Verb::Conform(_)
        | Verb::Doctor
        | Verb::Completions { .. } => Err(Failure::usage("this verb needs no supervisor")),
    }
}

fn order<M: order::Order>(settings: &Settings, screen: &mut Screen, id: &str) -> Outcome {
    with_client(settings, async |client| order::run::<M>(client, screen, id).await)
}

/// Connects, and asks one question.
fn question<M: Call>(settings: &Settings, params: &M::Params) -> Outcome<M::Answer> {
    with_client(settings, async |client| client.ask::<M>(params, QUESTION_WAIT).await)
}

/// Connects, and runs a conversation to its end.
fn with_client<T>(settings: &Settings, conversation: impl AsyncFnOnce(&Client) -> Outcome<T>) -> Outcome<T> {
    block_on(async {
        let client = Client::connect(settings).await?;
        conversation(&client).await
    })
}

/// One thread is enough for one conversation.
fn block_on<T>(conversation: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    runtime.block_on(conversation)
}

/// A plugin's id; what is not an id cannot name a plugin that runs.
fn plugin_id(id: &str) -> Outcome<PluginId> {
    PluginId::new(id).map_err(|invalid| Failure::new(Exit::NotFound, invalid.to_string()))
}

/// An argument as JSON, or as the string that it is. What means to be JSON and is none is refused: taken for a string, it would be
/// acknowledged as what nobody meant.
fn json_or_string(text: &str) -> Result<Box<RawValue>, Failure> {
    let meant = text.trim_start().starts_with(['{', '[', '"']) || NO_NUMBERS.contains(&text.trim());
    match serde_json::from_str::<Box<RawValue>>(text) {
        Ok(value) => match readable::check("value", value.get()) {
            Ok(()) => Ok(value),
            Err(why) => Err(Failure::usage(why)),
        },
        Err(error) if meant => Err(Failure::usage(format!(
            "{text} is not JSON ({error}); to send it as text, write it in quotes within quotes: '\"…\"'"
        ))),
        Err(_) => serde_json::value::to_raw_value(text)
            .map_err(|error| Failure::usage(format!("{text} cannot be sent: {error}"))),
    }
}

/// Numbers that JSON does not have.
const NO_NUMBERS: &[&str] = &["NaN", "-NaN", "Infinity", "-Infinity"];
