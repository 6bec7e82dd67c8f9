//! Whom a session meets on our side: who answers its plugin's calls, and who hears what is not a message.
//!
//! Given by the plugin's actor. A session knows no more of it than this.

use outboard_context::Reply;
use serde_json::value::RawValue;

/// Who answers a plugin's context calls.
pub trait ContextCalls: Send + Sync + 'static {
    /// Answers a request, at once or later; later is bounded in time by the implementor.
    fn request(&self, method: &str, params: Option<&RawValue>) -> Reply;
    /// Whether a method may be answered later: asked where no more such calls may be worked on.
    fn takes_time(&self, method: &str) -> bool;
    /// Takes a notification.
    fn notify(&self, method: &str, params: Option<&RawValue>);
}

impl ContextCalls for outboard_context::ProcessContext {
    fn request(&self, method: &str, params: Option<&RawValue>) -> Reply {
        Self::request(self, method, params)
    }
    fn takes_time(&self, method: &str) -> bool {
        Self::takes_time(method)
    }
    fn notify(&self, method: &str, params: Option<&RawValue>) {
        Self::notify(self, method, params);
    }
}

/// Where lines go that are not messages, and remarks about broken ones.
pub trait NoiseSink: Send + Sync + 'static {
    /// A line that is not a message: somebody printed it.
    fn line(&self, line: &[u8]);
    /// Something is wrong with what the plugin sent; a sentence.
    fn remark(&self, remark: &str);
}
