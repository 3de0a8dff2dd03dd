//! Suspects: executions that were running when their runner died. Each runs in a runner that holds nothing else, so that it can
//! take nobody with it; the next one gets the same runner if it is still alive.

use sandbox::{Artefact, Assignment, RunnerEvent};

use crate::Worker;
use crate::lane::{Alone, Lane};

impl Worker {
    /// Runs a suspect alone, after those that came before it.
    pub(crate) async fn run_alone(&self, lane: &Lane, artefact: &Artefact, assignment: Assignment) {
        let id = assignment.id;
        let mut place = lane.enter_quarantine().await;
        if let Err(reason) = self.run_in(&mut place, lane, artefact, assignment).await {
            *place = None;
            self.lose(&[id], &reason, true);
        }
        lane.leave_quarantine(place);
    }

    /// Returns when the suspect has ended; an error says why its runner is of no use any more.
    async fn run_in(
        &self,
        place: &mut Option<Alone>,
        lane: &Lane,
        artefact: &Artefact,
        assignment: Assignment,
    ) -> Result<(), String> {
        let id = assignment.id;
        if place.is_none() {
            *place = Some(lane.alone().await.map_err(|error| error.to_string())?);
        }
        let Some(Alone { runner, events }) = place.as_mut() else { return Ok(()) };
        runner.load(artefact).await.map_err(|error| error.to_string())?;
        runner.assign(vec![assignment]).await.map_err(|error| error.to_string())?;
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
