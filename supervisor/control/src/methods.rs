//! The methods, each a line to whoever knows the answer.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use outboard_host::{Host, Order};
use outboard_protocol::control::{
    AirlineSetParams, AuthSetParams, BackupParams, ConfigKeyParams, ConfigSetParams, InvokeParams,
    LogLevelParams, LogLevelReport, LogsParams, PluginParams, StatusParams, method,
};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use outboard_services::config::ConfigDocument;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::parameters;

type Registered = Result<(), RegisterMethodError>;

/// Registers every method.
pub(super) fn register(module: &mut RpcModule<Host>) -> Registered {
    plugins(module)?;
    config(module)?;
    transfer(module)?;
    sign_in(module)?;
    data(module)?;
    log_levels(module)?;
    on(module, method::LOGS, async |host: Host, params: LogsParams| {
        logged(&host, &params).await?;
        host.services().logs.tail(params).await
    })?;
    on(module, method::INVOKE, async |host: Host, call: InvokeParams| {
        let limit = call.timeout_ms.map(Duration::from_millis);
        host.come_up(&call.id, limit).await?;
        host.invoke(&call.id, &call.channel, call.args, limit).await
    })
}

/// Fails for a plugin that is not there and has left no records either; those of one that was removed may still be read.
pub(super) async fn logged(host: &Host, wanted: &LogsParams) -> Result<(), RpcError> {
    let Some(id) = &wanted.id else { return Ok(()) };
    let Err(unknown) = host.why(id.as_str()) else { return Ok(()) };
    let any = LogsParams { id: Some(id.clone()), lines: Some(1), ..LogsParams::default() };
    if host.services().logs.tail(any).await?.is_empty() { Err(unknown) } else { Ok(()) }
}

fn plugins(module: &mut RpcModule<Host>) -> Registered {
    on(module, method::STATUS, async |host: Host, params: StatusParams| {
        if let Some(id) = &params.id {
            host.why(id.as_str())?;
        }
        Ok(host.status(params.id.as_ref().map(PluginId::as_str)))
    })?;
    on(module, method::START, async |host: Host, params: PluginParams| {
        host.order(&params.id, Order::Start).await
    })?;
    on(module, method::STOP, async |host: Host, params: PluginParams| {
        host.order(&params.id, Order::Stop).await
    })?;
    on(module, method::RESTART, async |host: Host, params: PluginParams| {
        host.order(&params.id, Order::Restart).await
    })?;
    on(module, method::ENABLE, async |host: Host, params: PluginParams| {
        host.order(&params.id, Order::Enable).await
    })?;
    on(module, method::DISABLE, async |host: Host, params: PluginParams| {
        host.order(&params.id, Order::Disable).await
    })?;
    on(module, method::RESCAN, async |host: Host, _: Value| host.rescan().await)?;
    on(module, method::WHY, async |host: Host, params: PluginParams| host.why(params.id.as_str()))
}

fn config(module: &mut RpcModule<Host>) -> Registered {
    on(module, method::CONFIG_GET, async |host: Host, ConfigKeyParams { id, key }| {
        known(&host, &id)?;
        host.services().config.get(&id, &key).ok_or_else(|| {
            let message =
                format!("plugin {id} has no value for {:?}, and its manifest declares none", key.as_str());
            RpcError::new(ErrorReason::NotFound, message)
        })
    })?;
    on(module, method::CONFIG_SET, async |host: Host, ConfigSetParams { id, key, value }| {
        known(&host, &id)?;
        host.services().config.set(&id, &key, &value).await.map(|()| json!({}))
    })?;
    on(module, method::CONFIG_DELETE, async |host: Host, ConfigKeyParams { id, key }| {
        known(&host, &id)?;
        host.services().config.delete(&id, &key).await.map(|deleted| json!({ "deleted": deleted }))
    })?;
    on(module, method::CONFIG_LIST, async |host: Host, PluginParams { id }| {
        known(&host, &id)?;
        Ok(host.services().config.list(&id))
    })
}

/// Parameters of `config.import`: the document's values stay as they were written.
#[derive(Deserialize)]
struct Import {
    id: PluginId,
    document: ConfigDocument,
}

fn transfer(module: &mut RpcModule<Host>) -> Registered {
    on(module, method::CONFIG_EXPORT, async |host: Host, PluginParams { id }| {
        known(&host, &id)?;
        Ok(host.services().config.export(Some(&id)))
    })?;
    on(module, method::CONFIG_IMPORT, async |host: Host, Import { id, document }| {
        known(&host, &id)?;
        if let Some(other) = document.plugins.keys().find(|other| **other != id) {
            let message =
                format!("the document holds values of plugin {other}, and only those of {id} are asked for");
            return Err(RpcError::new(ErrorReason::InvalidParams, message));
        }
        host.services().config.import(&document).await.map(|imported| json!({ "imported": imported }))
    })
}

fn data(module: &mut RpcModule<Host>) -> Registered {
    on(module, method::DATABASES, async |host: Host, PluginParams { id }| {
        host.why(id.as_str())?;
        let databases = host.services().databases.clone();
        let measured = tokio::task::spawn_blocking(move || databases.report(&id)).await;
        measured
            .map_err(|_| RpcError::new(ErrorReason::InternalError, "the data folder could not be measured"))
    })?;
    on(module, method::BACKUP, async |host: Host, BackupParams { file }| {
        host.services().backup(Path::new(&file)).await
    })
}

fn log_levels(module: &mut RpcModule<Host>) -> Registered {
    on(module, method::LOGS_LEVEL, async |host: Host, PluginParams { id }| {
        host.why(id.as_str())?;
        Ok(log_level(&host, &id))
    })?;
    on(module, method::LOGS_LEVEL_SET, async |host: Host, LogLevelParams { id, level }| {
        host.why(id.as_str())?;
        host.services().logs.set_level(&id, level);
        Ok(log_level(&host, &id))
    })
}

fn log_level(host: &Host, id: &PluginId) -> LogLevelReport {
    let (level, own) = host.services().logs.level_of(id);
    LogLevelReport { level, own }
}

fn sign_in(module: &mut RpcModule<Host>) -> Registered {
    on(module, method::AUTH_SET, async |host: Host, params: AuthSetParams| {
        host.services().auth.set(params).await
    })?;
    on(module, method::AUTH_CLEAR, async |host: Host, _: Value| host.services().auth.clear().await)?;
    on(module, method::AUTH_STATUS, async |host: Host, _: Value| Ok(host.services().auth.status()))?;
    on(module, method::AIRLINE_SET, async |host: Host, params: AirlineSetParams| {
        host.services().airline.set(params).await
    })?;
    on(module, method::AIRLINE_CLEAR, async |host: Host, _: Value| host.services().airline.clear().await)?;
    on(module, method::AIRLINE_STATUS, async |host: Host, _: Value| Ok(host.services().airline.status()))
}

/// A plugin that is installed, or was and has left values behind.
fn known(host: &Host, id: &PluginId) -> Result<(), RpcError> {
    if !host.services().config.list(id).is_empty() {
        return Ok(());
    }
    host.why(id.as_str()).map(|_| ())
}

/// Registers one method: parameters in, answer or error out.
fn on<P, R, F, Fut>(module: &mut RpcModule<Host>, name: &'static str, answer: F) -> Registered
where
    P: DeserializeOwned + Send + 'static,
    R: Serialize + Clone + Send + 'static,
    F: Fn(Host, P) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, RpcError>> + Send,
{
    module.register_async_method(name, move |params, host: Arc<Host>, _| {
        let answer = answer.clone();
        async move {
            let params = parameters::read::<P>(name, &params)?;
            answer(Host::clone(&host), params).await.map_err(parameters::to_wire)
        }
    })?;
    Ok(())
}
