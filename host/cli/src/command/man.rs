//! `waft man`.

use clap::CommandFactory;

use crate::arguments::{Arguments, ManArguments};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

pub(super) fn run(arguments: &ManArguments) -> Outcome {
    let written = std::fs::create_dir_all(&arguments.dir)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), &arguments.dir));
    written.map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot write man pages to {:?}", arguments.dir));
        Failure::new(Exit::Usage, error).hint("name a folder that can be written to; it is made when it is missing")
    })?;
    Ok(Exit::Done)
}
