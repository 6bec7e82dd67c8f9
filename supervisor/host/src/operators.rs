//! What operators ask that the context answer: values, records, data, the sign-in and the airline.
//!
//! The control API asks. Who names a plugin that there is not is told so here, once for all of them. Must not know the transport.

use std::path::Path;

use outboard_context::{BusSubscription, LogSubscription};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{
    AirlineSetParams, AirlineStatus, AuthSetParams, AuthStatus, BackupReport, ConfigDocument, ConfigEntry,
    DataReport, DevelopmentParams, LogLevelReport, LogRecord, LogsParams,
};
use outboard_protocol::id::ConfigKey;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;

use crate::host::Host;

impl Host {
    /// The value of a plugin's key, and where it comes from.
    ///
    /// # Errors
    /// `not_found` for an unknown plugin, and for a key that has no value.
    pub fn config_get(&self, id: &PluginId, key: &ConfigKey) -> Result<ConfigEntry, RpcError> {
        self.configured(id)?;
        self.context().config.get(id, key).ok_or_else(|| {
            let message =
                format!("plugin {id} has no value for {:?}, and its manifest declares none", key.as_str());
            RpcError::new(ErrorReason::NotFound, message)
        })
    }

    /// Sets a plugin's key; returns when it is on disk. Dropping the future does not undo it.
    ///
    /// # Errors
    /// `not_found`; `invalid_params` for a value that breaks the manifest's rule; `limit_exceeded`, `storage_full`, `storage_corrupt`.
    pub async fn config_set(&self, id: &PluginId, key: &ConfigKey, value: &RawValue) -> Result<(), RpcError> {
        self.configured(id)?;
        self.context().config.set(id, key, &value).await
    }

    /// Forgets a plugin's key; tells whether there was a value, when that is on disk.
    ///
    /// # Errors
    /// `not_found`, `storage_full`, `storage_corrupt`.
    pub async fn config_delete(&self, id: &PluginId, key: &ConfigKey) -> Result<bool, RpcError> {
        self.configured(id)?;
        self.context().config.delete(id, key).await
    }

    /// Every key of a plugin, by name.
    ///
    /// # Errors
    /// `not_found`.
    pub fn config_list(&self, id: &PluginId) -> Result<Vec<ConfigEntry>, RpcError> {
        self.configured(id)?;
        Ok(self.context().config.list(id))
    }

    /// What was set for a plugin, without defaults.
    ///
    /// # Errors
    /// `not_found`.
    pub fn config_export(&self, id: &PluginId) -> Result<ConfigDocument, RpcError> {
        self.configured(id)?;
        Ok(self.context().config.export(Some(id)))
    }

    /// Sets everything that a document holds for this plugin; tells how many keys. All of it is on disk, or nothing was changed.
    ///
    /// # Errors
    /// `not_found`; `invalid_params` for a document of another plugin or version, or a value that breaks the manifest's rule;
    /// `limit_exceeded`, `storage_full`, `storage_corrupt`.
    pub async fn config_import(&self, id: &PluginId, document: &ConfigDocument) -> Result<usize, RpcError> {
        self.configured(id)?;
        if let Some(other) = document.plugins.keys().find(|other| *other != id) {
            let message =
                format!("the document holds values of plugin {other}, and only those of {id} are asked for");
            return Err(RpcError::new(ErrorReason::InvalidParams, message));
        }
        self.context().config.import(document).await
    }

    /// A plugin's data folder, measured now, on a thread of its own.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn data_report(&self, id: &PluginId) -> Result<DataReport, RpcError> {
        self.why(id.as_str())?;
        let (databases, id) = (self.context().databases.clone(), id.clone());
        let measured = tokio::task::spawn_blocking(move || databases.report(&id)).await;
        measured
            .map_err(|_| RpcError::new(ErrorReason::InternalError, "the data folder could not be measured"))
    }

    /// Copies what is kept into one new file; see [`outboard_context::Context::backup`].
    ///
    /// # Errors
    /// As there.
    pub async fn backup(&self, file: &Path) -> Result<BackupReport, RpcError> {
        self.context().backup(file).await
    }

    /// The least level that is kept of a plugin's log.
    ///
    /// # Errors
    /// `not_found`.
    pub fn log_level(&self, id: &PluginId) -> Result<LogLevelReport, RpcError> {
        self.why(id.as_str())?;
        let (level, own) = self.context().logs.level_of(id);
        Ok(LogLevelReport { level, own })
    }

    /// Sets it, until the host ends; `None`: the common one again.
    ///
    /// # Errors
    /// `not_found`.
    pub fn set_log_level(&self, id: &PluginId, level: Option<LogLevel>) -> Result<LogLevelReport, RpcError> {
        self.why(id.as_str())?;
        self.context().logs.set_level(id, level);
        self.log_level(id)
    }

    /// Tells a plugin's pages how its making goes.
    ///
    /// # Errors
    /// `not_found`; `limit_exceeded` for a fault that is too long to be shown.
    pub fn tell_development(&self, told: &DevelopmentParams) -> Result<(), RpcError> {
        self.why(told.id.as_str())?;
        let told = self.context().bus.development(&told.id, told.fault.as_ref(), told.reload);
        told.map_err(|why| RpcError::new(ErrorReason::LimitExceeded, why.to_string()))
    }

    /// The latest log records, oldest first.
    ///
    /// # Errors
    /// `not_found` for a plugin that is not there and has left no records either; `invalid_params` for a moment that is none.
    pub async fn logs(&self, wanted: LogsParams) -> Result<Vec<LogRecord>, RpcError> {
        self.logged(&wanted).await?;
        self.context().logs.tail(wanted).await
    }

    /// The latest log records, then those that come: none twice, none left out.
    ///
    /// # Errors
    /// As [`Host::logs`].
    pub async fn follow_logs(
        &self,
        wanted: LogsParams,
    ) -> Result<(Vec<LogRecord>, LogSubscription), RpcError> {
        self.logged(&wanted).await?;
        self.context().logs.follow(wanted).await
    }

    /// What a plugin pushes to its UIs, for the plugins of this moment and later ones of the same id. Ends when it is not read fast
    /// enough.
    ///
    /// # Errors
    /// `not_found`.
    pub fn bus_of(&self, id: &PluginId) -> Result<BusSubscription, RpcError> {
        self.why(id.as_str())?;
        Ok(self.context().bus.subscribe(id))
    }

    /// Signs in; returns when the token is on disk.
    ///
    /// # Errors
    /// `invalid_params` for what cannot be a token, `storage_full`, `storage_corrupt`.
    pub async fn sign_in(&self, params: AuthSetParams) -> Result<AuthStatus, RpcError> {
        self.context().auth.set(params).await
    }

    /// Signs out; returns when the token is gone from the disk.
    ///
    /// # Errors
    /// `storage_full`, `storage_corrupt`.
    pub async fn sign_out(&self) -> Result<AuthStatus, RpcError> {
        self.context().auth.clear().await
    }

    /// Whether somebody is signed in.
    pub fn auth_status(&self) -> AuthStatus {
        self.context().auth.status()
    }

    /// Binds the host to an airline; returns when that is on disk.
    ///
    /// # Errors
    /// `invalid_params`, `storage_full`, `storage_corrupt`.
    pub async fn bind_airline(&self, params: AirlineSetParams) -> Result<AirlineStatus, RpcError> {
        self.context().airline.set(params).await
    }

    /// Binds it to none.
    ///
    /// # Errors
    /// `storage_full`, `storage_corrupt`.
    pub async fn unbind_airline(&self) -> Result<AirlineStatus, RpcError> {
        self.context().airline.clear().await
    }

    /// The bound airline, without its secrets.
    pub fn airline_status(&self) -> AirlineStatus {
        self.context().airline.status()
    }

    /// Fails but for a plugin that is installed, or was and has left values behind.
    fn configured(&self, id: &PluginId) -> Result<(), RpcError> {
        if !self.context().config.list(id).is_empty() {
            return Ok(());
        }
        self.why(id.as_str()).map(|_| ())
    }

    /// Fails for a plugin that is not there and has left no records either; those of one that was removed may still be read.
    async fn logged(&self, wanted: &LogsParams) -> Result<(), RpcError> {
        let Some(id) = &wanted.id else { return Ok(()) };
        let Err(unknown) = self.why(id.as_str()) else { return Ok(()) };
        let any = LogsParams { id: Some(id.clone()), lines: Some(1), ..LogsParams::default() };
        if self.context().logs.tail(any).await?.is_empty() { Err(unknown) } else { Ok(()) }
    }
}
