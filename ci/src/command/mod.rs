//! One file a command.

pub mod accept;
pub mod capacity;
mod causes;
pub mod compare;
pub mod explain;
mod failing;
pub mod gate;
pub mod hunt;
pub mod init;
mod items;
pub mod lint;
pub mod list;
pub mod merge;
mod missed;
pub mod pages;
pub mod plan_seeds;
pub mod replay;
pub mod run;
pub mod schema;
pub mod self_test;
pub mod shrink;
pub mod sweep;
pub mod zoo;
