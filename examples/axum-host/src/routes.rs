//! The application's own page and routes, which ask Outboard by its control API.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use outboard_embed::control::methods::{Invoke, Status};
use outboard_embed::control::{InvokeParams, StatusParams};
use outboard_embed::{Error, Outboard};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A plugin, as the page shows it.
#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    state: &'static str,
    ui: Option<String>,
}

/// What went wrong, as an answer.
struct Failed(Error);

#[derive(Deserialize)]
struct With {
    with: Option<String>,
}

pub(crate) fn router(outboard: Outboard) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/api/plugins", get(plugins))
        .route("/api/invoke/{id}/{channel}", get(invoke))
        .with_state(outboard)
}

async fn page(State(outboard): State<Outboard>) -> Result<Html<String>, Failed> {
    let shown = look(&outboard).await?;
    let frames: String = shown
        .iter()
        .map(|plugin| {
            let (name, state) = (escaped(&plugin.name), plugin.state);
            let ui = plugin
                .ui
                .as_deref()
                .map(|ui| format!("<iframe title=\"{name}\" src=\"{}\"></iframe>", escaped(ui)));
            format!("<section><h2>{name} <small>{state}</small></h2>{}</section>", ui.unwrap_or_default())
        })
        .collect();
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Plugins</title>\
         <style>body{{font:1rem/1.5 system-ui;margin:2rem}}iframe{{width:100%;height:20rem;border:1px solid #888}}</style>\
         <h1>Plugins</h1>{frames}</html>"
    )))
}

async fn plugins(State(outboard): State<Outboard>) -> Result<Json<Vec<Shown>>, Failed> {
    look(&outboard).await.map(Json)
}

async fn look(outboard: &Outboard) -> Result<Vec<Shown>, Failed> {
    let report = outboard.call::<Status>(&StatusParams::default()).await.map_err(Failed)?;
    let shown = report.plugins.into_iter().map(|plugin| Shown {
        state: plugin.shown_state(),
        id: plugin.id,
        name: plugin.name,
        ui: plugin.ui,
    });
    Ok(shown.collect())
}

async fn invoke(
    State(outboard): State<Outboard>,
    Path((id, channel)): Path<(String, String)>,
    Query(With { with }): Query<With>,
) -> Result<Response, Failed> {
    let args: Vec<String> = with.into_iter().collect();
    let params = json!({ "id": id, "channel": channel, "args": args });
    let Ok(params) = serde_json::from_value::<InvokeParams>(params) else {
        return Ok((StatusCode::BAD_REQUEST, "no plugin and no channel can be called so\n").into_response());
    };
    let answer = outboard.call::<Invoke>(&params).await.map_err(Failed)?;
    Ok(Json(answer).into_response())
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = match &self.0 {
            Error::Answered(_) => StatusCode::BAD_GATEWAY,
            Error::NoAnswer { .. } => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{}\n", self.0)).into_response()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
