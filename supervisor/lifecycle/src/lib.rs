//! What happens to a plugin, and when: a pure state machine.
