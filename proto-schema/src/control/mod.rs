//! The control API: what an operator may ask of a running supervisor, and what is answered.
//!
//! [`methods`] is its one table: the crate `outboard-control` serves it on the control socket, the command line calls it, and the
//! OpenRPC document, `docs/CONTROL.md` and TypeScript's types are generated from it. The types are shared, so that neither side can
//! drift from the other. Must not know the transport.

mod access;
mod configuration;
mod events;
mod keeping;
mod logs;
pub mod methods;
mod plugins;
mod services;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{AirlineSetParams, AirlineStatus, AuthSetParams, AuthStatus, RefreshBody, RefreshFormat};
pub use configuration::{
    ConfigDocument, ConfigEntry, ConfigImportParams, ConfigImportReport, ConfigKeyParams, ConfigSetParams,
    ConfigSource,
};
pub use events::{BusEvent, DevelopmentFault, DevelopmentParams, HostEvent, InvokeParams};
pub use keeping::{
    BackupParams, BackupReport, DataFile, DataReport, DataUse, LogLevelParams, LogLevelReport,
};
pub use logs::{LogRecord, LogSource, LogsParams};
pub use plugins::{
    Desired, ExitRecord, PluginParams, PluginState, PluginStatus, RescanReport, StatusParams, StatusReport,
    Trouble, UI_ONLY, WhyReport,
};
pub use services::{AnswerParams, ProvideItem, ProvideParams, ProvidedHttp, ServiceStatus};

/// Parameters of a method that takes none: an empty object, or nothing at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoParams {}
