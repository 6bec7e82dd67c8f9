//! From a value in the settings to an option: what is not set stays as it is.

use std::time::Duration;

use crate::settings::{Size, Span};

pub(super) fn put<T>(place: &mut T, set: Option<T>) {
    if let Some(value) = set {
        *place = value;
    }
}

pub(super) fn bytes(Size(size): Size) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

pub(super) fn size(Size(size): Size) -> u64 {
    size
}

pub(super) fn span(Span(span): Span) -> Duration {
    span
}
