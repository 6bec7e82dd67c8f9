//! A provider's question to one consumer: an event that has to be answered, within a time, or the default counts.
//!
//! Called by the host, control and the gateway for their providers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use outboard_protocol::RpcError;
use outboard_protocol::context::service::{AskParams, AskResult, ReplyParams};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::inbox::{Event, Taken};
use crate::provider::Provider;
use crate::registry::Asked;
use crate::service::Key;

/// How long a consumer may take, where the provider says nothing.
const LIMIT: Duration = Duration::from_secs(5);
/// And where it does.
const LONGEST: Duration = Duration::from_secs(3600);

impl Broker {
    /// Asks one consumer. The question waits in its inbox when this returns; the answer comes within the question's limit.
    /// Dropping it forgets the question.
    ///
    /// # Errors
    /// `conflict` where the sender does not provide the service.
    pub fn ask(
        &self,
        sender: &Provider,
        params: AskParams,
    ) -> Result<impl Future<Output = AskResult> + Send + use<>, RpcError> {
        let AskParams { service, event, payload, to, timeout_ms, default } = params;
        let default = default.unwrap_or(Value::Null);
        let limit = timeout_ms.map_or(LIMIT, |wanted| Duration::from_millis(wanted).min(LONGEST));
        let mut registry = self.lock();
        let provided = registry.services.get(&service);
        if provided.and_then(|service| service.holder.as_ref()) != Some(sender) {
            drop(registry);
            return Err(self.not_the_provider(&service, sender));
        }
        let listening = provided.and_then(|service| service.wanted.get(&event)).map(BTreeSet::iter);
        // The plugin's own process came before its pages.
        let asked = listening
            .into_iter()
            .flatten()
            .copied()
            .find(|key| registry.consumers.get(key).is_some_and(|seat| seat.plugin == to));
        let waits = asked.map(|consumer| {
            let id = format!("a{}", registry.number());
            let (answer, answered) = oneshot::channel();
            let payload = payload.map(Arc::from);
            let question = Event {
                service: service.clone(),
                event: event.clone(),
                payload,
                latest: false,
                answer: Some(id.clone()),
            };
            let taken = registry.consumers[&consumer].inbox.push(&question) != Taken::LeftOut;
            if taken {
                registry.asked.insert(id.clone(), Asked { consumer, answer });
            }
            (taken, Question { broker: self.clone(), id }, answered)
        });
        drop(registry);
        Ok(async move {
            let because = match waits {
                None => format!("{to} is not subscribed to {event:?} of {service}", event = event.as_str()),
                Some((false, ..)) => format!("too much waits for {to} already"),
                Some((true, question, answered)) => {
                    let answered = timeout(limit, answered).await;
                    drop(question);
                    match answered {
                        Ok(Ok(ReplyParams { error: None, result, .. })) => {
                            return AskResult { value: result.unwrap_or(Value::Null), because: None };
                        }
                        Ok(Ok(ReplyParams { error: Some(error), .. })) => {
                            format!("{to} failed: {}", error.message)
                        }
                        Ok(Err(_)) => format!("{to} is gone"),
                        Err(_) => format!("{to} did not answer within {limit:?}"),
                    }
                }
            };
            AskResult { value: default, because: Some(because) }
        })
    }

    pub(crate) fn replied(&self, consumer: Key, reply: ReplyParams) {
        let mut registry = self.lock();
        if registry.asked.get(&reply.answer).is_some_and(|asked| asked.consumer == consumer)
            && let Some(asked) = registry.asked.remove(&reply.answer)
        {
            // Failing means that it is late.
            let _ = asked.answer.send(reply);
        }
    }
}

/// A question that is forgotten when nobody waits for its answer any more.
struct Question {
    broker: Broker,
    id: String,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.broker.lock().asked.remove(&self.id);
    }
}
