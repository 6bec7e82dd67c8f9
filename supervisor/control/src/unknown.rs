//! What is asked that nobody answers: refused with the nearest name, before the library would refuse it without.
//!
//! A layer around the library's own dispatch. Must not know what a method does.

use std::future::Future;

use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::Request;
use outboard_protocol::control::methods::{nearest, served};
use outboard_protocol::{ErrorReason, RpcError};

use super::parameters;

/// How much of a name is shown: more than any that there is.
const SHOWN: usize = 80;

/// Makes [`Known`] of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownLayer;

/// A service that is asked for nothing but what is in the table.
#[derive(Debug, Clone)]
pub(super) struct Known<S>(S);

impl<S> tower::Layer<S> for KnownLayer {
    type Service = Known<S>;

    fn layer(&self, service: S) -> Known<S> {
        Known(service)
    }
}

impl<S> RpcServiceT for Known<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let service = self.0.clone();
        async move {
            if served().any(|name| name == request.method) {
                return service.call(request).await;
            }
            MethodResponse::error(request.id, parameters::to_wire(unknown(&request.method)))
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = S::BatchResponse> + Send + 'a {
        self.0.batch(requests)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = S::NotificationResponse> + Send + 'a {
        self.0.notification(notification)
    }
}

fn unknown(method: &str) -> RpcError {
    let shown: String = method.chars().take(SHOWN).collect();
    let hint = match nearest(method) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`rpc.discover` answers with those that there are".to_owned(),
    };
    RpcError::new(ErrorReason::MethodNotFound, format!("there is no method {shown:?}; {hint}"))
}
