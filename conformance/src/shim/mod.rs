//! The harness's side of the shim protocol (spec/shim-protocol.md): a process, and a session with it.

pub mod process;
pub mod protocol;
pub mod session;

pub use process::{Limits, Program};
pub use protocol::{AnswerLine, ErrorDetail, Hello, Outcome};
pub use session::{Session, StartError, Trouble};
