//! The words on the wire between Outboard, its plugins and its operators.
