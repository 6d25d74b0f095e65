//! Runs the vectors of tunnelproof against any implementation behind a pipe.

pub mod shim_server;
