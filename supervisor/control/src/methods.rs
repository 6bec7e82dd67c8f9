//! The calls, each a line to whoever knows the answer.
//!
//! A row of the table that is not answered here does not compile. Must not know connections.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::ConnectionId;
use jsonrpsee::{Extensions, RpcModule};
use outboard_host::{Host, Order};
use outboard_protocol::context::config::DeleteResult;
use outboard_protocol::control::methods::{self as table, Call, CallName};
use outboard_protocol::control::{
    BackupParams, ConfigImportParams, ConfigImportReport, ConfigKeyParams, ConfigSetParams,
    DevelopmentParams, InvokeParams, LogLevelParams, LogsParams, NoParams, PluginParams, StatusParams,
};
use outboard_protocol::handshake::Empty;
use outboard_protocol::{PluginId, RpcError};
use serde_json::value::RawValue;

use super::parameters;
use super::providers::{Connection, Providers};

type Registered = Result<(), RegisterMethodError>;

/// Registers every call of the table.
pub(super) fn register(module: &mut RpcModule<Host>, providers: &Providers) -> Registered {
    CallName::ALL.iter().try_for_each(|name| one(module, *name, providers.clone()))
}

fn one(module: &mut RpcModule<Host>, name: CallName, providers: Providers) -> Registered {
    match name {
        CallName::Discover => on::<table::Discover, _, _>(module, async |_, NoParams {}| Ok(openrpc())),
        CallName::Status => on::<table::Status, _, _>(module, async |host: Host, StatusParams { id }| {
            if let Some(id) = &id {
                host.why(id.as_str())?;
            }
            Ok(host.status(id.as_ref().map(PluginId::as_str)))
        }),
        CallName::Start => order::<table::Start>(module, Order::Start),
        CallName::Stop => order::<table::Stop>(module, Order::Stop),
        CallName::Restart => order::<table::Restart>(module, Order::Restart),
        CallName::Enable => order::<table::Enable>(module, Order::Enable),
        CallName::Disable => order::<table::Disable>(module, Order::Disable),
        CallName::Rescan => {
            on::<table::Rescan, _, _>(module, async |host: Host, NoParams {}| host.rescan().await)
        }
        CallName::Why => {
            on::<table::Why, _, _>(module, async |host: Host, PluginParams { id }| host.why(id.as_str()))
        }
        CallName::Logs => {
            on::<table::Logs, _, _>(module, async |host: Host, wanted: LogsParams| host.logs(wanted).await)
        }
        CallName::LogsLevel => {
            on::<table::LogsLevel, _, _>(module, async |host: Host, PluginParams { id }| host.log_level(&id))
        }
        CallName::LogsLevelSet => {
            on::<table::LogsLevelSet, _, _>(module, async |host: Host, LogLevelParams { id, level }| {
                host.set_log_level(&id, level)
            })
        }
        CallName::ConfigGet => {
            on::<table::ConfigGet, _, _>(module, async |host: Host, ConfigKeyParams { id, key }| {
                host.config_get(&id, &key)
            })
        }
        CallName::ConfigSet => {
            on::<table::ConfigSet, _, _>(module, async |host: Host, params: ConfigSetParams| {
                let ConfigSetParams { id, key, value } = params;
                host.config_set(&id, &key, &value).await.map(|()| Empty {})
            })
        }
        CallName::ConfigDelete => {
            on::<table::ConfigDelete, _, _>(module, async |host: Host, ConfigKeyParams { id, key }| {
                host.config_delete(&id, &key).await.map(|deleted| DeleteResult { deleted })
            })
        }
        CallName::ConfigList => {
            on::<table::ConfigList, _, _>(module, async |host: Host, PluginParams { id }| {
                host.config_list(&id)
            })
        }
        CallName::ConfigExport => {
            on::<table::ConfigExport, _, _>(module, async |host: Host, PluginParams { id }| {
                host.config_export(&id)
            })
        }
        CallName::ConfigImport => {
            on::<table::ConfigImport, _, _>(module, async |host: Host, params: ConfigImportParams| {
                let imported = host.config_import(&params.id, &params.document).await?;
                Ok(ConfigImportReport { imported: imported as u64 })
            })
        }
        CallName::Databases => {
            on::<table::Databases, _, _>(module, async |host: Host, PluginParams { id }| {
                host.data_report(&id).await
            })
        }
        CallName::Backup => on::<table::Backup, _, _>(module, async |host: Host, BackupParams { file }| {
            host.backup(Path::new(&file)).await
        }),
        CallName::AuthSet => {
            on::<table::AuthSet, _, _>(module, async |host: Host, params| host.sign_in(params).await)
        }
        CallName::AuthClear => {
            on::<table::AuthClear, _, _>(module, async |host: Host, NoParams {}| host.sign_out().await)
        }
        CallName::AuthStatusOf => {
            on::<table::AuthStatusOf, _, _>(module, async |host: Host, NoParams {}| Ok(host.auth_status()))
        }
        CallName::AirlineSet => {
            on::<table::AirlineSet, _, _>(module, async |host: Host, params| host.bind_airline(params).await)
        }
        CallName::AirlineClear => on::<table::AirlineClear, _, _>(module, async |host: Host, NoParams {}| {
            host.unbind_airline().await
        }),
        CallName::AirlineStatusOf => {
            on::<table::AirlineStatusOf, _, _>(module, async |host: Host, NoParams {}| {
                Ok(host.airline_status())
            })
        }
        CallName::DevelopmentTell => {
            on::<table::DevelopmentTell, _, _>(module, async |host: Host, told: DevelopmentParams| {
                host.tell_development(&told).map(|()| Empty {})
            })
        }
        CallName::Invoke => on::<table::Invoke, _, _>(module, async |host: Host, call: InvokeParams| {
            let limit = call.timeout_ms.map(Duration::from_millis);
            host.come_up(&call.id, limit).await?;
            host.invoke(&call.id, &call.channel, call.args, limit).await
        }),
        CallName::Services => on::<table::Services, _, _>(module, async |host: Host, NoParams {}| {
            Ok(host.context().broker.status())
        }),
        CallName::ServiceAnswer => at_once::<table::ServiceAnswer>(module, move |connection, answer| {
            providers.answer(connection, answer).map(|()| Empty {})
        }),
        CallName::ServiceEmit => at_once::<table::ServiceEmit>(module, move |connection, event| {
            providers.emit(connection, event).map(|()| Empty {})
        }),
        CallName::ServiceAsk => {
            module.register_async_method(table::ServiceAsk::NAME, move |params, _, extensions| {
                let providers = providers.clone();
                async move {
                    let asked = parameters::read(table::ServiceAsk::NAME, &params)?;
                    providers.ask(connection(&extensions), asked).await.map_err(parameters::to_wire)
                }
            })?;
            Ok(())
        }
    }
}

/// Registers an order to a plugin: all of them are answered with how the plugin is after it.
fn order<M>(module: &mut RpcModule<Host>, order: Order) -> Registered
where
    M: Call<Params = PluginParams, Answer = outboard_protocol::control::PluginStatus>,
{
    on::<M, _, _>(module, move |host: Host, PluginParams { id }| async move { host.order(&id, order).await })
}

/// Registers one call: parameters in, answer or error out.
fn on<M, F, Fut>(module: &mut RpcModule<Host>, answer: F) -> Registered
where
    M: Call,
    F: Fn(Host, M::Params) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<M::Answer, RpcError>> + Send,
{
    module.register_async_method(M::NAME, move |params, host: Arc<Host>, _| {
        let answer = answer.clone();
        async move {
            let params = parameters::read::<M::Params>(M::NAME, &params)?;
            answer(Host::clone(&host), params).await.map_err(parameters::to_wire)
        }
    })?;
    Ok(())
}

/// Registers a call of a provider, which is carried out before anything is waited for: that of the next message comes after it.
fn at_once<M: Call>(
    module: &mut RpcModule<Host>,
    answer: impl Fn(Connection, M::Params) -> Result<M::Answer, RpcError> + Send + Sync + 'static,
) -> Registered {
    module.register_method(M::NAME, move |params, _, extensions| {
        let params = parameters::read::<M::Params>(M::NAME, &params)?;
        answer(connection(extensions), params).map_err(parameters::to_wire)
    })?;
    Ok(())
}

/// Which connection a message came by.
fn connection(extensions: &Extensions) -> Connection {
    extensions.get::<ConnectionId>().expect("INVARIANT: the library says it of each message").0
}

/// The committed document, as it is: whoever reads it here reads what stands in the repository.
fn openrpc() -> Box<RawValue> {
    serde_json::from_str(table::OPENRPC)
        .expect("INVARIANT: the document is generated as JSON, and a test reads it")
}
