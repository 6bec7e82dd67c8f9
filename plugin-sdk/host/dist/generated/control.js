//! The control API, as types. GENERATED from the control table in proto-schema: do not edit; run `make schema`.
/** The names of each subscription's notifications, and of the call that ends it. */
export const SUBSCRIPTIONS = {
    "logs.subscribe": { notification: "logs.record", unsubscribe: "logs.unsubscribe" },
    "events.subscribe": { notification: "events.event", unsubscribe: "events.unsubscribe" },
    "host.subscribe": { notification: "host.event", unsubscribe: "host.unsubscribe" },
};
//# sourceMappingURL=control.js.map