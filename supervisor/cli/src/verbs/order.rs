//! `outboard start|stop|restart|enable|disable ID`: an order, and how the plugin is after it.

use outboard_protocol::control::methods::{Call, CallName, Why};
use outboard_protocol::control::{PluginParams, PluginState, PluginStatus};

use super::plugin_id;
use crate::client::{Client, ORDER_WAIT, QUESTION_WAIT};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, state_style};
use crate::tame::tame;

/// A call that orders something of a plugin, and is answered with how it is after it.
pub(super) trait Order: Call<Params = PluginParams, Answer = PluginStatus> {}
impl<M: Call<Params = PluginParams, Answer = PluginStatus>> Order for M {}

/// Orders, and waits until it is clear what came of it.
pub(super) async fn run<M: Order>(client: &Client, screen: &mut Screen, id: &str) -> Outcome {
    let params = PluginParams { id: plugin_id(id)? };
    let plugin = client.ask::<M>(&params, ORDER_WAIT).await?;
    if screen.json() {
        screen.json_document(&plugin)?;
    } else {
        screen.line(sentence(screen, &plugin))?;
    }
    if came_true(M::CALL, &plugin) {
        return Ok(());
    }
    if !screen.json()
        && let Some(line) = last_words(client, &params).await
    {
        screen.line(format!("its last line on standard error: {}", tame(&line)))?;
    }
    Err(not_true(M::NAME, &plugin))
}

/// What the latest process said last, as most languages name there what is wrong. None where there is nothing: the order has
/// been answered, and a question that fails adds nothing to it.
async fn last_words(client: &Client, params: &PluginParams) -> Option<String> {
    let report = client.ask::<Why>(params, QUESTION_WAIT).await.ok()?;
    let latest = report.history.into_iter().next()?;
    latest.stderr.into_iter().rev().find(|line| !line.trim().is_empty())
}

fn sentence(screen: &Screen, plugin: &PluginStatus) -> String {
    let state = screen.paint(state_style(plugin.state.name()), plugin.state.name());
    match (&plugin.cause, plugin.pid) {
        (Some(cause), _) => format!("{} is {state}: {}", plugin.id, tame(cause)),
        (None, Some(pid)) => format!("{} is {state}, pid {pid}", plugin.id),
        (None, None) if !plugin.enabled && plugin.state == PluginState::Stopped => {
            format!("{0} is {state}, and stays so until `outboard enable {0}`", plugin.id)
        }
        (None, None) => format!("{} is {state}", plugin.id),
    }
}

/// Whether the plugin is as the order wants it.
fn came_true(order: CallName, plugin: &PluginStatus) -> bool {
    match order {
        CallName::Stop | CallName::Disable => plugin.state == PluginState::Stopped,
        _ => plugin.state == PluginState::Running,
    }
}

fn not_true(order: &str, plugin: &PluginStatus) -> Failure {
    let id = &plugin.id;
    Failure::new(
        Exit::Failed,
        format!(
            "`{order}` left {id} {}; `outboard why {id}` and `outboard logs {id}` say more",
            plugin.state
        ),
    )
}
