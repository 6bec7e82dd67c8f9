//! One call of a service, from its consumer to its one outcome.
//!
//! Called by [`crate::Consumer`]. Waits for a provider that is on its way up; everything else is decided at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use outboard_protocol::context::service::{CallParams, ServiceState};
use outboard_protocol::id::ServiceName;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::broker::Broker;
use crate::provider::{Answer, Answerer, Standing};
use crate::service::Claim;

/// How long a call takes at most, where its consumer says nothing.
const LIMIT: Duration = Duration::from_secs(30);
/// And where it does: what waits for a person.
const LONGEST: Duration = Duration::from_secs(3600);
/// Calls that one consumer may have open.
const OPEN_MAX: usize = 256;
/// Calls that may be open at one provider of a service.
const OPEN_AT_PROVIDER_MAX: u64 = 256;

pub(crate) fn call(
    broker: &Broker,
    caller: &PluginId,
    open: &Arc<AtomicUsize>,
    params: CallParams,
) -> Answer {
    let limit = limit_of(params.timeout_ms);
    let params = CallParams { caller: Some(caller.clone()), ..params };
    let Some(place) = Place::take(open) else {
        let what = format!(
            "{OPEN_MAX} calls of services by {caller} are open already; call again when some are answered"
        );
        return refused(RpcError::new(ErrorReason::LimitExceeded, what));
    };
    let broker = broker.clone();
    // Asked at once where that is possible, so that the order of calls is the order of questions.
    match look(&broker, &params.service) {
        Look::Ask(answerer) => match Open::begin(&broker, &params.service) {
            Ok(counted) => {
                let answer = answerer.call(params, limit);
                Box::pin(async move { counted.end(answer.await, place) })
            }
            Err(error) => refused(error),
        },
        Look::Refuse(error) => refused(error),
        Look::Wait(_) => Box::pin(async move {
            let begun = Instant::now();
            let answerer = come_up(&broker, &params.service, limit).await?;
            let left = limit.saturating_sub(begun.elapsed());
            let counted = Open::begin(&broker, &params.service)?;
            let answer = answerer.call(params, left).await;
            counted.end(answer, place)
        }),
    }
}

fn limit_of(timeout_ms: Option<u64>) -> Duration {
    timeout_ms.map_or(LIMIT, |wanted| Duration::from_millis(wanted).min(LONGEST))
}

fn refused(error: RpcError) -> Answer {
    Box::pin(std::future::ready(Err(error)))
}

/// What there is to be done with a call at this moment.
enum Look {
    Ask(Arc<dyn Answerer>),
    Wait(String),
    Refuse(RpcError),
}

fn look(broker: &Broker, name: &ServiceName) -> Look {
    let registry = broker.lock();
    let Some(service) = registry.services.get(name) else { return Look::Refuse(no_provider(name)) };
    if let Some(Claim { standing: Standing::Ready(answerer), .. }) = service.holder() {
        return Look::Ask(Arc::clone(answerer));
    }
    match service.state() {
        (ServiceState::Starting, because) => Look::Wait(because.unwrap_or_default()),
        (ServiceState::Unprovided, _) => Look::Refuse(no_provider(name)),
        (_, because) => Look::Refuse(unavailable(name, &because.unwrap_or_default())),
    }
}

/// Waits while the provider is on its way up, within the call's limit.
async fn come_up(
    broker: &Broker,
    name: &ServiceName,
    limit: Duration,
) -> Result<Arc<dyn Answerer>, RpcError> {
    let mut turns = broker.turns();
    let deadline = Instant::now() + limit;
    loop {
        turns.mark_unchanged();
        let because = match look(broker, name) {
            Look::Ask(answerer) => return Ok(answerer),
            Look::Refuse(error) => return Err(error),
            Look::Wait(because) => because,
        };
        // An error would mean that the broker is gone, which we hold.
        if tokio::time::timeout_at(deadline, turns.changed()).await.is_err() {
            return Err(unavailable(name, &format!("{because}, and was not there within {limit:?}")));
        }
    }
}

fn unavailable(name: &ServiceName, because: &str) -> RpcError {
    RpcError::new(ErrorReason::Unavailable, format!("service {name} is not available: {because}"))
        .with("service", name.as_str())
}

fn no_provider(name: &ServiceName) -> RpcError {
    let what = format!(
        "no host application and no plugin provides {name:?}; connect a host application that does, or install a plugin with \"provides\": [{name:?}] in its manifest",
        name = name.as_str()
    );
    RpcError::new(ErrorReason::NoProvider, what).with("service", name.as_str())
}

/// A place among a consumer's open calls.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let more = |open: usize| (open < OPEN_MAX).then_some(open + 1);
        open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(Arc::clone(open)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call that is open at a provider.
struct Open {
    broker: Broker,
    service: ServiceName,
    failed: bool,
}

impl Open {
    fn begin(broker: &Broker, name: &ServiceName) -> Result<Self, RpcError> {
        let mut registry = broker.lock();
        let service = registry.services.entry(name.clone()).or_default();
        if service.counts.open >= OPEN_AT_PROVIDER_MAX {
            let what = format!(
                "{OPEN_AT_PROVIDER_MAX} calls of service {name} are open already; call again when some are answered"
            );
            return Err(RpcError::new(ErrorReason::LimitExceeded, what));
        }
        service.counts.open += 1;
        service.counts.calls += 1;
        Ok(Self { broker: broker.clone(), service: name.clone(), failed: true })
    }

    fn end(
        mut self,
        outcome: Result<Box<RawValue>, RpcError>,
        _place: Place,
    ) -> Result<Box<RawValue>, RpcError> {
        self.failed = outcome.is_err();
        outcome
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut registry = self.broker.lock();
        if let Some(service) = registry.services.get_mut(&self.service) {
            service.counts.open -= 1;
            service.counts.errors += u64::from(self.failed);
            if service.is_idle() {
                registry.services.remove(&self.service);
            }
        }
    }
}
