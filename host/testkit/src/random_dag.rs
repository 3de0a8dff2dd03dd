//! Random DAGs, as texts of [`crate::dag`].

use crate::dice::Dice;

/// A task. Numbers choose among the tasks before it, so that any numbers make a legal DAG.
#[derive(Debug, Clone)]
pub struct RandomTask {
    pub is_empty: bool,
    pub upstream: Vec<u32>,
    /// What it is mapped over; nothing for an unmapped task.
    pub expand: Vec<RandomSource>,
    pub retries: u32,
    pub max_active: Option<u32>,
    pub is_result: bool,
}

/// What a task is mapped over.
#[derive(Debug, Clone)]
pub struct RandomSource {
    /// What an earlier task returned, where there is one; else a literal list of `length`.
    pub is_task: bool,
    pub choice: u32,
    pub length: u32,
}

/// At most `max` tasks.
pub fn tasks(dice: &mut Dice, max: u32) -> Vec<RandomTask> {
    (0..=dice.roll(max)).map(|_| task(dice)).collect()
}

fn task(dice: &mut Dice) -> RandomTask {
    let source =
        |dice: &mut Dice| RandomSource { is_task: dice.per_mille(750), choice: dice.roll(1_000), length: dice.roll(5) };
    RandomTask {
        is_empty: dice.per_mille(100),
        upstream: (0..dice.roll(3)).map(|_| dice.roll(1_000)).collect(),
        expand: if dice.roll(3) == 0 { Vec::new() } else { (0..=dice.roll(2)).map(|_| source(dice)).collect() },
        retries: dice.roll(3),
        max_active: dice.per_mille(200).then(|| 1 + dice.roll(2)),
        is_result: dice.per_mille(300),
    }
}

/// The text of a DAG: every task comes after those that it names.
pub fn fixture(tasks: &[RandomTask], max_active_tasks: Option<u32>) -> String {
    let mut text = String::new();
    for (i, task) in tasks.iter().enumerate() {
        text += &format!("t{i}:");
        if task.is_empty {
            text += " empty\n";
        } else {
            let with_result: Vec<_> = (0..i).filter(|earlier| !tasks[*earlier].is_empty).collect();
            let sources = task.expand.iter().map(|source| match with_result.len() {
                0 => source.length.to_string(),
                _ if !source.is_task => source.length.to_string(),
                earlier => format!("t{}", with_result[source.choice as usize % earlier]),
            });
            let sources: Vec<_> = sources.collect();
            if !sources.is_empty() {
                text += &format!(" expand({})", sources.join(", "));
            }
            text += &format!(" retries={}", task.retries);
            if let Some(max_active) = task.max_active {
                text += &format!(" max_active={max_active}");
            }
            text.push('\n');
        }
        for upstream in task.upstream.iter().filter(|_| i > 0) {
            text += &format!("t{} -> t{i}\n", *upstream as usize % i);
        }
    }
    let results = tasks.iter().enumerate().filter(|(_, task)| task.is_result && !task.is_empty);
    let results: Vec<_> = results.map(|(i, _)| format!("t{i}")).collect();
    if !results.is_empty() {
        text += &format!("dag: result={}\n", results.join(","));
    }
    if let Some(max) = max_active_tasks {
        text += &format!("dag: max_active_tasks={max}\n");
    }
    text
}
