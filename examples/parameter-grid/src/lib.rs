//! Hyper-parameter tuning: a model is trained once for each combination of three lists, and the best is found. Another DAG publishes
//! a model: it waits for a machine, for somebody's answer and for a signal.

use serde::{Deserialize, Serialize};
use waft::prelude::*;
use waft::variables;

/// One training.
#[derive(Clone, Serialize, Deserialize, Type)]
struct Model {
    rate: f64,
    depth: u32,
    seed: u64,
    loss: f64,
}

/// The rates to try; the other lists stand in the DAG.
#[task]
fn learning_rates() -> Vec<f64> {
    vec![0.1, 0.01]
}

/// Stands for hours of work: a loss that is least at a rate of 0.01 and a depth of 5.
#[task(
    retries = 1,
    timeout = "6h",
    max_active_per_run = 4,
    map_index_template = "rate {{ args.rate }}, depth {{ args.depth }}"
)]
fn train(rate: f64, depth: u32, seed: u64) -> Model {
    let loss = (rate - 0.01).abs() + (f64::from(depth) - 5.0).abs() / 10.0 + seed as f64 / 1000.0;
    log::info!("rate {rate}, depth {depth}, seed {seed}: loss {loss:.3}");
    Model { rate, depth, seed, loss }
}

/// The model with the least loss, of all that were trained.
#[task(trigger_rule = "all_done_min_one_success")]
fn best(models: Sequence<Model>) -> Result<Model, TaskError> {
    let mut best: Option<Model> = None;
    for model in &models {
        let model = model?;
        if best.as_ref().is_none_or(|best| model.loss < best.loss) {
            best = Some(model);
        }
    }
    best.ok_or_else(|| TaskError::fatal("no training has left a model"))
}

/// Which combination is the best?
#[dag(tags = ["example"])]
fn parameter_grid(#[param(default = vec![1, 2])] seeds: Param<Vec<u64>>) -> Output<Model> {
    let models = train.expand((learning_rates(), vec![3, 5, 8], seeds));
    best(models)
}

/// Asked again and again until somebody has set the variable. No sandbox is held between two questions.
#[task(kind = "sensor", poke_interval = "200ms", timeout = "1h")]
fn has_machine() -> Result<Poke, TaskError> {
    let machine: Option<String> = variables::get("machine")?;
    Ok(Poke::done_if(machine.is_some()))
}

/// What is asked before a model is published.
#[derive(Clone, Debug, Serialize, Deserialize, Type)]
struct Release {
    by: String,
    at_once: bool,
}

/// What comes with the signal.
#[derive(Deserialize)]
struct Ticket {
    number: u64,
}

/// Publishes at once, or when the signal `ticket` has come. No sandbox is held meanwhile.
#[task]
fn publish(model: String, release: Release) -> Result<String, TaskError> {
    let Release { by, at_once } = release;
    if at_once {
        return Ok(format!("{model} by {by}"));
    }
    match waft::woken() {
        None => Err(TaskError::defer(Wake::signal("ticket"))),
        Some(woken) => Ok(format!("{model} by {by}, ticket {}", woken.read::<Ticket>()?.number)),
    }
}

/// Publishes a model when there is a machine and somebody has agreed.
#[dag(tags = ["example"])]
fn publish_model(#[param(default = "m-1")] model: Param<String>) -> Output<String> {
    let release = approval::<Release>("agree");
    has_machine().then(release);
    publish(model, release)
}

waft::bundle!(parameter_grid, publish_model);

#[cfg(test)]
mod tests {
    use super::*;
    use waft::testing;

    #[test]
    fn the_least_loss_is_best() {
        let mut models = Vec::new();
        for rate in learning_rates::body() {
            for depth in [3, 5, 8] {
                models.extend([1, 2].map(|seed| train::body(rate, depth, seed)));
            }
        }
        assert_eq!(models.len(), 12);
        let best = best::body(models.into()).unwrap();
        assert_eq!((best.rate, best.depth, best.seed), (0.01, 5, 1));
    }

    #[test]
    fn a_machine_is_waited_for() {
        assert_eq!(has_machine::body().unwrap(), Poke::NotYet);
        testing::variable("machine", &"a");
        assert_eq!(has_machine::body().unwrap(), Poke::Done);
    }

    #[test]
    fn who_is_in_no_hurry_waits_for_the_signal() {
        let release = |at_once| Release { by: "Ada".into(), at_once };
        assert_eq!(publish::body("m-1".into(), release(true)).unwrap(), "m-1 by Ada");
        assert!(publish::body("m-1".into(), release(false)).unwrap_err().is_defer());
        testing::wake(Wake::signal("ticket"), Some(r#"{"number":7}"#));
        assert_eq!(publish::body("m-1".into(), release(false)).unwrap(), "m-1 by Ada, ticket 7");
    }
}
