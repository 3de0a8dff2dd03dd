//! Suspects: executions that were running when their runner died. Each runs in a runner that holds nothing else, so that it can
//! take nobody with it; the next one gets the same runner if it is still alive.

use sandbox::{Artefact, Assignment, RunnerEvent};

use crate::Worker;
use crate::lane::{Alone, Lane};

impl Worker {
    /// Runs a suspect alone, after those that came before it.
    pub(crate) async fn run_alone(&self, lane: &Lane, artefact: &Artefact, assignment: Assignment) {
        let id = assignment.id;
        let mut quarantine = lane.enter_quarantine().await;
        if !self.0.attempts.is_wanted(id) {
            return;
        }
        let alone = match quarantine.take() {
            Some(alone) => Ok(alone),
            None => lane.alone().await.map_err(|error| error.to_string()),
        };
        let ran = match alone {
            // Out of its place until it has ended well: whatever else happens ends the runner.
            Ok(mut alone) => self.run_in(&mut alone, artefact, assignment).await.map(|()| alone),
            Err(reason) => Err(reason),
        };
        match ran {
            Ok(alone) => quarantine.put(alone),
            Err(_) if self.is_closed() => self.lose(&[id], "the worker stopped", false),
            Err(reason) => self.lose(&[id], &reason, true),
        }
    }

    /// Returns when the suspect has ended; an error says why its runner is of no use any more.
    async fn run_in(&self, alone: &mut Alone, artefact: &Artefact, assignment: Assignment) -> Result<(), String> {
        let Alone { runner, events } = alone;
        let id = assignment.id;
        runner.load(artefact).await.map_err(|error| error.to_string())?;
        if self.0.attempts.give(&[id], runner.pid()).is_empty() {
            return Ok(());
        }
        runner.assign(vec![assignment]).await.map_err(|error| error.to_string())?;
        self.cancel_late(runner, &[id]).await;
        while let Some(event) = events.recv().await {
            match event {
                RunnerEvent::Started(_) => {}
                RunnerEvent::Done(completions) => {
                    let is_over = completions.iter().any(|completion| completion.id == id);
                    self.complete(completions).await;
                    if is_over {
                        return Ok(());
                    }
                }
                RunnerEvent::Log(pieces) => self.log(pieces).await,
                RunnerEvent::Progress(progress) => self.progress(progress).await,
                RunnerEvent::Died { reason, .. } => {
                    return Err(format!("the runner died while it ran alone: {reason}"));
                }
            }
        }
        Err("the runner of suspects is gone".to_owned())
    }
}
