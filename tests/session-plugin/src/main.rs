//! Makes every call of the protocol once, one after the other, and logs `do: …` where something has to be done to its host.
//! What crosses the wire meanwhile is the record of tests/record/protocol-1/.

use std::process::ExitCode;

use outboard_plugin::axum::Router;
use outboard_plugin::context::ipc::Args;
use outboard_plugin::{Context, Failure, Plugin};

const TAG: &str = "Session";

fn main() -> ExitCode {
    Plugin::new()
        .on_start(start)
        .on_resume(|ctx| async move {
            ctx.logger.warn(TAG, format!("resumed from {}", ctx.resumed_from().unwrap_or("nothing")));
            ctx.logger.info(TAG, "do: stop");
            Ok(())
        })
        .on_stop(|ctx| async move {
            ctx.logger.info(TAG, "stopped");
            Ok(())
        })
        .run()
}

async fn start(ctx: Context) -> Result<(), Failure> {
    values(&ctx).await?;
    sign_in(&ctx).await?;
    ctx.logger.debug(
        TAG,
        ctx.database
            .path("session.db")
            .await?
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
    );
    channels(&ctx).await?;
    ctx.server.register_router("/api/session", Router::new()).await?;
    ctx.server.register_router("/api/session/more", Router::new()).await?;
    ctx.server.unregister_router("/api/session/more").await?;
    if let Err(refusal) = ctx.server.register_router("/api/neighbour", Router::new()).await {
        ctx.logger.warn(TAG, format!("refused: {:?}", refusal.reason()));
    }
    follow(&ctx);
    ctx.logger.info(TAG, "do: config.set");
    Ok(())
}

async fn values(ctx: &Context) -> Result<(), Failure> {
    let units: String = ctx.config.get_or("units", "metric".to_owned()).await?;
    ctx.logger.info(TAG, format!("units: {units}"));
    ctx.config.set("count", &1).await?;
    ctx.config.get_all().await?;
    ctx.config.delete("count").await?;
    Ok(())
}

async fn sign_in(ctx: &Context) -> Result<(), Failure> {
    let known = (ctx.auth.is_authenticated().await?, ctx.auth.get_token().await?.is_some());
    ctx.logger.info(TAG, format!("signed in: {known:?}"));
    let airline = ctx.airline.get_current().await?.map(|airline| airline.id);
    ctx.logger.info(TAG, format!("airline: {airline:?}"));
    if let Err(refusal) = ctx.airline.refresh(Some("stale")).await {
        ctx.logger.warn(TAG, format!("no refresh: {:?}", refusal.reason()));
    }
    let client = ctx.airline.create_client();
    // The airline is silent, so the other call ends first, and this one is withdrawn.
    tokio::select! {
        biased;
        answer = client.get("/never") => ctx.logger.error(TAG, format!("the airline answered: {}", answer.is_ok())),
        units = ctx.config.get::<String>("units") => drop(units?),
    }
    Ok(())
}

async fn channels(ctx: &Context) -> Result<(), Failure> {
    let telling = ctx.clone();
    let echo = move |args: Args| {
        let ctx = telling.clone();
        async move {
            ctx.ipc.send("echoed", &args.0)?;
            ctx.logger.info(TAG, "do: invoke never");
            Ok(args.0)
        }
    };
    ctx.ipc.handle("echo", echo).await?;
    let telling = ctx.clone();
    let never = move |_: Args| {
        let withdrawn = Withdrawn(telling.clone());
        async move {
            let _withdrawn = withdrawn;
            std::future::pending::<Result<(), Failure>>().await
        }
    };
    ctx.ipc.handle("never", never).await?;
    ctx.ipc.handle("gone", |_| async { Ok(()) }).await?;
    ctx.ipc.remove_handler("gone").await?;
    Ok(())
}

/// Each change asks for the next.
fn follow(ctx: &Context) {
    let telling = ctx.clone();
    ctx.config.on_change(move |_, _| telling.logger.info(TAG, "do: auth.clear"));
    let telling = ctx.clone();
    ctx.auth.on_change(move |_| telling.logger.info(TAG, "do: airline.set"));
    let telling = ctx.clone();
    ctx.airline.on_change(move |_| telling.logger.info(TAG, "do: invoke echo"));
}

/// Says so when it is dropped.
struct Withdrawn(Context);

impl Drop for Withdrawn {
    fn drop(&mut self) {
        self.0.logger.info(TAG, "do: update");
    }
}
