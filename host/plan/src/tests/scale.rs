//! What work grows with. Steps are counted, so that no clock has a say.

use jiff::Timestamp;
use model::outcome::{Answer, End};
use model::{Fence, MapIndex, RunState};

use super::world::lengths;
use crate::{Event, MachineLimits, RunContext, RunMachine, Selection};

const LIMITS: MachineLimits =
    MachineLimits { map_length: 2_000_000, map_length_ceiling: 2_000_000, instances: 2_000_000 };

/// A run of a list, a task over its items and a sum, played to its end.
fn ended(length: u32) -> RunMachine {
    let dag = std::sync::Arc::new(testkit::dag::dag("list -> many\nmany: expand(list)\nsum: args(many)"));
    let now = Timestamp::UNIX_EPOCH;
    let lengths = lengths(&dag, &serde_json::Value::Null);
    let (mut machine, _) = RunMachine::start(dag.clone(), &lengths, RunContext::default(), LIMITS, now);
    let list = dag.find("list").unwrap();
    let mut fences = 0;
    while machine.state() == RunState::Running {
        fences += 1;
        let fence = Fence::new(1, fences);
        let taken = machine.take_ready(1_000, fence);
        if taken.is_empty() {
            machine.on(Event::Committed, now);
        }
        for ready in taken {
            let list_length = (ready.node == list).then_some(length);
            machine.on(
                Event::Ended {
                    node: ready.node,
                    map_index: ready.map_index,
                    fence,
                    end: End::Success,
                    has_value: true,
                    answer: Answer { list_length, ..Answer::default() },
                },
                now,
            );
        }
    }
    machine
}

#[test]
fn ten_times_the_instances_are_ten_times_the_work() {
    let [few, many] = [1_000, 10_000].map(|length| ended(length).steps);
    assert!(many <= 11 * few, "{few} steps for a thousand, {many} for ten thousand");
}

#[test]
fn a_clear_of_one_index_does_not_ask_how_many_there_are() {
    let steps = [10, 50_000].map(|length| {
        let mut machine = ended(length);
        let many = machine.dag().find("many").unwrap();
        let one = Selection { tasks: vec![many], map_indexes: vec![MapIndex::at(5)], ..Selection::default() };
        let selected = machine.select_for_clear(&one).unwrap();
        let before = machine.steps;
        let decisions = machine.clear(&selected, Timestamp::UNIX_EPOCH);
        assert_eq!((decisions.resets.len(), decisions.transitions.len(), machine.ready_count()), (1, 1, 1));
        machine.steps - before
    });
    assert_eq!(steps[0], steps[1]);
}
