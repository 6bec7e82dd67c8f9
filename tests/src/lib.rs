//! Outboard's promises, shown through its public surfaces.
