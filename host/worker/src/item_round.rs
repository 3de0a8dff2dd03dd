//! Bodies that make something of an attempt's items, on their way back: their answers are kept, and the attempt is prepared again.

use model::outcome::End;
use sandbox::{Completion, ItemAnswer};

use crate::Worker;
use crate::answer;

impl Worker {
    /// Takes answers of bodies for items. What is the end of the whole attempt is given back.
    pub(crate) async fn take_items(&self, mut completion: Completion) -> Option<Completion> {
        let id = completion.id;
        let Some((attempt, calls)) = self.0.attempts.get(id).and_then(|it| Some((it.clone(), it.take_calls()?))) else {
            return Some(completion);
        };
        if completion.end != End::Success {
            return Some(completion);
        }
        let answers = std::mem::take(&mut completion.items);
        if answers.len() != calls.len() {
            let message = format!("the runner told {} answers for {} items", answers.len(), calls.len());
            completion.end = End::HostLost { message, suspect: true };
            return Some(completion);
        }
        for (call, answer) in calls.iter().zip(&answers) {
            let ItemAnswer::Value(Some(text)) = answer else { continue };
            if let Err(why) = attempt.check_markers(text) {
                completion.end = answer::failed(format!("body {} of an item: its value {why}", call.entrypoint), true);
                return Some(completion);
            }
        }
        self.0.logs.lines(&attempt, completion.log).await;
        attempt.keep_answers(calls, answers, completion.used);
        if let Some(attempt) = self.0.attempts.prepare_again(id) {
            let cancelled = self.0.attempts.cancelled(&[id]);
            self.end_cancelled(&cancelled);
            if cancelled.is_empty() {
                self.begin_all(vec![(id, attempt)]);
            }
        }
        None
    }
}
