//! Documents made from the method table and the types: JSON Schema and OpenRPC.
