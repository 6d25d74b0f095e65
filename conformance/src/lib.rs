//! `tunnelproof` runs the conformance vectors against any implementation behind a pipe.
//!
//! Data goes one way: vector file, suite, case, request, process, answer, verdict, result log,
//! report. The modules are in that order.

pub mod cli;
mod controls;
mod decode;
mod floor;
mod fuzz;
pub mod known;
mod live;
mod log;
pub mod model;
pub mod mutants;
mod object;
mod pair;
mod peer;
mod recorder;
pub mod reference_shim;
mod report;
mod runner;
mod select;
mod shim;
pub mod shim_server;
pub mod spec;
mod stop;
mod summary;
pub mod trace;
mod verdict;

pub use live::all as live_cases;
pub use shim::protocol as shim_protocol;
