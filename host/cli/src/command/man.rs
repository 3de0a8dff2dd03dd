//! `waft man`.

use clap::CommandFactory;

use crate::arguments::{Arguments, ManArguments};
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) fn run(arguments: &ManArguments) -> Outcome {
    std::fs::create_dir_all(&arguments.dir)?;
    clap_mangen::generate_to(Arguments::command(), &arguments.dir)?;
    Ok(Exit::Done)
}
