//! Every HTTP byte: the front door, the proxy, the UI bus and the control API.
