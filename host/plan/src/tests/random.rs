//! Random DAGs with groups, ways of mapping, all rules, branches, short circuits, setups and teardowns: whatever the order of events
//! and wherever the process dies, a run comes to the same states, and each of them follows from those upstream as the rules say.

use std::collections::{BTreeMap, BTreeSet};

use model::document::{TaskKind, TriggerRule};
use model::outcome::{Choice, End};
use model::{Dag, MapIndex, MemberId, NodeIdx, RunState, TaskState};
use proptest::prelude::*;
use serde_json::Value;
use testkit::dice::Dice;
use testkit::outcome::Outcome;

use super::world::{LIMITS, World};
use crate::rule::{Counts, Verdict, verdict};
use crate::{Decisions, Ending, InsertDecision, SavedNode, Selected, Selection};

/// An instance by its task and its path, which do not depend on the order in which lists become known.
type Identity = (NodeIdx, Vec<u32>);

/// The text of a DAG: every task comes after those that it names.
fn fixture(dice: &mut Dice) -> String {
    let mut text = String::new();
    let tasks = 3 + dice.roll(5);
    let groups = dice.roll(3);
    // Groups are runs of tasks, the second perhaps inside the first.
    let first = 1 + dice.roll(tasks - 1);
    let is_nested = dice.roll(2) == 0;
    let group_of = |task: u32| match groups {
        0 => None,
        1 => (task >= first).then_some(0),
        _ if is_nested => (task >= first).then_some(u32::from(task > first)),
        _ => (task >= first).then_some(task % 2),
    };
    let in_group = |task: u32, group: u32| {
        group_of(task) == Some(group) || (is_nested && groups == 2 && group == 0 && group_of(task) == Some(1))
    };
    let mut with_value: Vec<u32> = Vec::new();
    let mut kinds: Vec<&str> = Vec::new();
    let source = |dice: &mut Dice, with_value: &[u32], group: Option<u32>, expands: &[bool]| {
        let mut choices: Vec<String> = with_value.iter().map(|task| format!("t{task}")).collect();
        choices.push(dice.roll(4).to_string());
        if let Some(group) = group.filter(|group| expands[*group as usize]) {
            choices.push(format!("@g{group}"));
        }
        choices.swap_remove(dice.roll(choices.len() as u32) as usize)
    };
    let mut expands = vec![false; 2];
    let mut declared = [false; 2];
    for task in 0..tasks {
        for group in 0..groups {
            if !declared[group as usize] && in_group(task, group) {
                declared[group as usize] = true;
                let outside: Vec<_> = with_value.iter().copied().filter(|it| !in_group(*it, group)).collect();
                let parent = if group == 1 && is_nested { " in(g0)" } else { "" };
                let of_parent = (group == 1 && is_nested).then_some(0);
                let expand = match dice.roll(4) {
                    0 => String::new(),
                    _ => format!(" expand({})", source(dice, &outside, of_parent, &expands)),
                };
                text += &format!("group g{group}:{parent}{expand}\n");
                expands[group as usize] = !expand.is_empty();
            }
        }
        let kind = ["task", "task", "task", "task", "branch", "short_circuit", "setup", "teardown", "empty"]
            [dice.roll(9) as usize];
        text += &format!("t{task}: kind={kind}");
        if let Some(group) = group_of(task) {
            text += &format!(" in(g{group})");
        }
        if kind != "teardown" && dice.roll(2) == 0 {
            text += &format!(" rule={}", TriggerRule::ALL[dice.roll(13) as usize].as_str());
        }
        if kind != "empty" {
            let how = ["", "", "expand", "zip", "longest"][dice.roll(5) as usize];
            if !how.is_empty() {
                let sources: Vec<_> =
                    (0..=dice.roll(2)).map(|_| source(dice, &with_value, group_of(task), &expands)).collect();
                text += &format!(" {how}({})", sources.join(", "));
            }
            text += &format!(" retries={}", dice.roll(2));
            with_value.push(task);
        }
        text.push('\n');
        kinds.push(kind);
        for _ in 0..dice.roll(3) {
            if task > 0 {
                text += &format!("t{} -> t{task}\n", dice.roll(task));
            }
        }
    }
    text
}

/// How a try of an instance ends: the same for the same path, whatever its ordinal.
fn outcome(dag: &Dag, seed: u64, (node, path): &Identity, try_number: u32) -> Outcome {
    let place = path.iter().fold(1_u32, |place, position| place * 31 + position + 1);
    let outcome = Outcome::of_try(seed, *node, MapIndex::at(place), try_number);
    if outcome.end != End::Success {
        return outcome;
    }
    let mut dice = Dice::new(seed ^ (u64::from(node.0) << 32) ^ u64::from(place));
    match dag.task(*node).kind {
        TaskKind::Branch => {
            let downstream = dag.node(*node).downstream.iter().filter(|_| dice.roll(2) == 0);
            let ids = downstream.map(|node| MemberId::from(dag.task(*node).task_id.clone()));
            Outcome { answer: Outcome::choosing(Choice::Only(ids.collect())).answer, ..outcome }
        }
        TaskKind::ShortCircuit if dice.roll(2) == 0 => {
            Outcome { answer: Outcome::choosing(Choice::Only(Vec::new())).answer, ..outcome }
        }
        _ => {
            let mut outcome = outcome;
            let length = outcome.answer.list_length.unwrap_or(0);
            outcome.answer.item_lengths = Some((0..length).map(|_| Some(dice.roll(3)).filter(|it| *it < 2)).collect());
            outcome
        }
    }
}

fn identity(world: &World, node: NodeIdx, map_index: MapIndex) -> Identity {
    (node, world.machine.map_path(node, map_index))
}

/// Plays a run in an order that follows from `order`.
fn play(world: &mut World, seed: u64, order: u64, crashes: bool) {
    play_for(world, seed, order, crashes, 20_000);
    assert_ne!(world.rows.state, RunState::Running, "the run does not end:\n{}", world.rows.text(&world.dag));
}

fn play_for(world: &mut World, seed: u64, order: u64, crashes: bool, steps: u32) {
    let mut dice = Dice::new(order);
    for _ in 0..steps {
        if world.rows.state != RunState::Running {
            return;
        }
        match dice.roll(if crashes { 11 } else { 10 }) {
            0..3 => _ = world.claim(1 + dice.roll(4)),
            3..7 => {
                let running: Vec<_> = world.machine.running().collect();
                if running.is_empty() {
                    continue;
                }
                let (node, map_index, _) = running[dice.roll(running.len() as u32) as usize];
                let try_number = world.rows.instances[&(node, map_index)].saved.try_number.0;
                let of = identity(world, node, map_index);
                let outcome = outcome(&world.dag, seed, &of, try_number);
                world.end(node, map_index, outcome);
            }
            7..9 if world.owes_commit => world.committed(),
            7..9 => {}
            9 => world.tick(),
            _ => world.recover(),
        }
    }
}

fn states(world: &World) -> BTreeMap<Identity, TaskState> {
    let mut states = BTreeMap::new();
    for ((node, map_index), row) in &world.rows.instances {
        let identity = identity(world, *node, *map_index);
        // A position that went and came again is another instance than before.
        let before = states.insert(identity, row.saved.state);
        assert!(matches!(before, None | Some(TaskState::Removed)), "one path, two instances");
    }
    states
}

/// Instances of `upstream` that an instance of `of` has to do with: in the same contexts of the levels that both are in.
fn relevant<'a>(
    dag: &'a Dag,
    states: &'a BTreeMap<Identity, TaskState>,
    of: &'a Identity,
    upstream: NodeIdx,
) -> impl Iterator<Item = (&'a Identity, TaskState)> {
    let common = dag.common_scope(dag.node(upstream).scope, dag.node(of.0).within);
    let depth = dag.scope(common).depth as usize;
    let is_near = move |path: &[u32]| {
        let levels = depth.min(path.len()).min(of.1.len());
        path[..levels] == of.1[..levels]
    };
    let all = states.range((upstream, Vec::new())..(NodeIdx(upstream.0 + 1), Vec::new()));
    all.filter(move |((_, path), _)| is_near(path)).map(|(identity, state)| (identity, *state))
}

fn count(states: impl Iterator<Item = TaskState>) -> Counts {
    let mut counts = Counts::default();
    for state in states {
        counts.pending += 1;
        counts.end(state, 1);
    }
    counts
}

/// What an instance's state has to be, as far as those upstream decide it.
fn expected(dag: &Dag, seed: u64, states: &BTreeMap<Identity, TaskState>, of: &Identity) -> Verdict {
    let node = dag.node(of.0);
    for gate in &node.gates {
        let mut said = Vec::new();
        for (decider, state) in relevant(dag, states, of, *gate) {
            let choices = (1..=3).map(|tries| outcome(dag, seed, decider, tries)).find(|it| it.end == End::Success);
            let choice = choices.and_then(|it| it.answer.choice).unwrap_or(Choice::All);
            said.push(match choice {
                Choice::Only(ids) if state == TaskState::Success => {
                    !ids.is_empty() && !dag.skipped_by(*gate, &ids).unwrap().contains(&of.0)
                }
                _ => true,
            });
        }
        if !said.is_empty() && said.iter().all(|is_open| !is_open) {
            return Verdict::Skip;
        }
    }
    let of_all = |upstream: &[NodeIdx]| {
        count(upstream.iter().flat_map(|it| relevant(dag, states, of, *it)).map(|(_, state)| state))
    };
    let setups = of_all(&node.setups);
    if dag.task(of.0).kind != TaskKind::Teardown {
        if setups.failed + setups.upstream_failed > 0 {
            return Verdict::UpstreamFail;
        }
        if setups.skipped > 0 {
            return Verdict::Skip;
        }
    }
    verdict(dag.task(of.0).rule(), of_all(&node.upstream), setups, None)
}

fn check_states(dag: &Dag, seed: u64, states: &BTreeMap<Identity, TaskState>) {
    for (of, state) in states {
        if of.1.len() < dag.scope(dag.node(of.0).scope).depth as usize {
            assert_ne!(*state, TaskState::Success, "{of:?} has nothing to run with");
            continue;
        }
        match expected(dag, seed, states, of) {
            Verdict::Run if *state == TaskState::Skipped => {}
            Verdict::Run => {
                let tries = dag.task(of.0).retries + 1;
                let ends = (1..=tries).map(|tries| outcome(dag, seed, of, tries).end);
                let last =
                    ends.take_while(|end| !matches!(end, End::Success | End::Failed { retry: false, .. })).count();
                let is_well = dag.task(of.0).kind == TaskKind::Empty
                    || ((last as u32) < tries && outcome(dag, seed, of, last as u32 + 1).end == End::Success);
                assert_eq!(*state == TaskState::Success, is_well, "{of:?} is {state}");
            }
            Verdict::Skip => assert_eq!(*state, TaskState::Skipped, "{of:?}"),
            Verdict::UpstreamFail => assert_eq!(*state, TaskState::UpstreamFailed, "{of:?}"),
            other => panic!("{of:?} is {state}, and its verdict {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_and_every_crash_comes_to_the_same(shape: u64, seed: u64, batch in 1..20_u32, orders: [u64; 3]) {
        let fixture = fixture(&mut Dice::new(shape));
        let Ok((dag, _)) = Dag::check(testkit::dag::document(&fixture)) else { return Err(TestCaseError::reject(fixture)) };
        let mut all = Vec::new();
        for (order, crashes) in [(orders[0], false), (orders[1], true), (orders[2], true)] {
            let mut world = World::start_with(dag.clone(), &Value::Null, LIMITS, batch);
            play(&mut world, seed, order, crashes);
            all.push((states(&world), world.rows.state));
        }
        prop_assert_eq!(&all[0], &all[1], "{}", fixture);
        prop_assert_eq!(&all[0], &all[2], "{}", fixture);
        check_states(&dag, seed, &all[0].0);
    }

    /// A machine that cleared goes on as one that is read from the cleared rows, and both come to what rules say.
    #[test]
    fn a_clear_in_memory_is_a_clear_of_the_rows(
        shape: u64, seed: u64, orders: [u64; 2], tasks in prop::collection::vec(0..8_u32, 0..3),
        upstream: bool, downstream: bool, only_failed: bool,
    ) {
        let fixture = fixture(&mut Dice::new(shape));
        let Ok((dag, _)) = Dag::check(testkit::dag::document(&fixture)) else { return Err(TestCaseError::reject(fixture)) };
        let tasks = tasks.iter().map(|task| NodeIdx(task % dag.len() as u32)).collect();
        let selection = Selection { tasks, map_indexes: Vec::new(), upstream, downstream, only_failed, only_running: false };
        let mut all = Vec::new();
        for (order, is_read_again) in [(orders[0], false), (orders[1], true)] {
            let mut world = World::start_with(dag.clone(), &Value::Null, LIMITS, 50);
            play(&mut world, seed, orders[0], false);
            world.clear(&selection);
            if is_read_again && world.rows.state == RunState::Running {
                world.recover();
            }
            play(&mut world, seed, order, is_read_again);
            let mut states = states(&world);
            // Which positions came and went until all sources had ended again depends on the order of their ends, and so does
            // whether a placeholder or only removed instances are left of a list that is empty in the end.
            let depth = |node: NodeIdx| dag.scope(dag.node(node).scope).depth as usize;
            states.retain(|(node, path), state| *state != TaskState::Removed && path.len() == depth(*node));
            all.push((states, world.rows.state));
        }
        prop_assert_eq!(&all[0], &all[1], "{} {:?}", fixture, selection);
    }

    /// Who ends a run by hand is told what that changes; its teardowns then come to what the rules say, whatever happens meanwhile.
    #[test]
    fn a_run_that_is_ended_by_hand_is_undone(
        shape: u64, seed: u64, steps in 0..40_u32, orders: [u64; 2], ending in 0..3_u32, batch in 1..20_u32, is_cut_short: bool,
    ) {
        let fixture = fixture(&mut Dice::new(shape));
        let Ok((dag, _)) = Dag::check(testkit::dag::document(&fixture)) else { return Err(TestCaseError::reject(fixture)) };
        let ending = [Ending::Success, Ending::Failed, Ending::Stopped][ending as usize];
        let mut all = Vec::new();
        // No row says that a run was marked a success, so that a crash in the middle of that is not told apart.
        for (order, crashes) in [(orders[0], false), (orders[1], false), (orders[1], ending != Ending::Success)] {
            let mut world = World::start_with(dag.clone(), &Value::Null, LIMITS, batch);
            play_for(&mut world, seed, orders[0], false, steps);
            let (before, nodes) = (world.rows.instances.clone(), world.rows.nodes.clone());
            let (told, decisions) = world.end_run(ending, "by hand");
            check_told(&dag, &nodes, &told, &decisions, ending);
            let is_teardown = |node: NodeIdx| dag.task(node).kind == TaskKind::Teardown;
            for (key, row) in before.iter().filter(|(key, _)| !is_teardown(key.0)) {
                let now = world.rows.instances.get(key).map(|row| row.saved.state);
                prop_assert!(ending == Ending::Success || !row.saved.state.is_ended() || now == Some(row.saved.state));
            }
            let others = world.rows.instances.iter().filter(|(key, _)| !is_teardown(key.0));
            let others: Vec<_> = others.map(|(key, row)| (*key, row.saved.state)).collect();
            prop_assert!(others.iter().all(|(_, state)| state.is_ended()), "{}", world.rows.text(&dag));
            if is_cut_short && ending == Ending::Failed && world.rows.state == RunState::Running {
                world.end_run(Ending::Stopped, "by hand");
            }
            prop_assert!(ending != Ending::Stopped || world.rows.state.is_ended());
            play(&mut world, seed, order, crashes);
            for (key, state) in others {
                // A row without a position goes where each context gets one of its own.
                let now = world.rows.instances.get(&key).map(|row| row.saved.state);
                prop_assert!(now == Some(state) || now.is_none() && key.1 == MapIndex::NONE);
            }
            prop_assert!(ending == Ending::Success || world.rows.state == RunState::Failed);
            prop_assert!(ending == Ending::Success || world.rows.reason.as_deref() == Some("by hand"));
            if ending == Ending::Failed && !is_cut_short {
                let states = states(&world);
                let begun: Vec<_> = { before.iter() }.filter(|(_, row)| row.saved.try_number.0 > 0).collect();
                for (of, state) in states.iter().filter(|(of, _)| is_teardown(of.0) && begun.iter().all(|it| it.0.0 != of.0)) {
                    match expected(&dag, seed, &states, of) {
                        // One that has nothing to map over has failed before its rule is asked.
                        Verdict::Skip | Verdict::UpstreamFail => prop_assert!(*state != TaskState::Success),
                        _ => {}
                    }
                }
            }
            // A crash can leave more or fewer placeholders, which is not what this is about.
            if !crashes {
                all.push((states(&world), world.rows.state));
            }
        }
        prop_assert_eq!(&all[0], &all[1], "{}", fixture);
    }
}

/// What somebody was told is what was decided, but for teardowns. A row without a position that is told of is gone where its task is in
/// several contexts, and each has one of its own; so do contexts that are not expanded among others that are.
fn check_told(dag: &Dag, nodes: &[SavedNode], told: &[(Selected, TaskState)], decisions: &Decisions, ending: Ending) {
    let unexpanded: BTreeSet<_> = { told.iter() }
        .filter(|(it, _)| it.first == MapIndex::NONE && dag.node(it.node).scope != model::ScopeIdx::RUN)
        .map(|(it, _)| it.node)
        .collect();
    let is_told = |node: NodeIdx| {
        (dag.task(node).kind != TaskKind::Teardown || ending == Ending::Stopped) && !unexpanded.contains(&node)
    };
    let changed = decisions.marks.iter().chain(&decisions.transitions).filter(|it| it.to.is_ended());
    let changed = changed.filter(|it| is_told(it.node)).map(|it| (it.node, it.first, it.last, it.to));
    let is_known = |it: &InsertDecision| {
        { it.first.position() }.is_none_or(|first| nodes[it.node.0 as usize].map_length > Some(first))
    };
    let made = decisions.inserts.iter().filter(|it| it.state.is_ended() && is_told(it.node) && is_known(it));
    let made = made.map(|it| {
        let last = it.first.position().map_or(MapIndex::NONE, |first| MapIndex::at(first + it.count - 1));
        (it.node, it.first, last, it.state)
    });
    let single = |(node, first, last, state): (NodeIdx, MapIndex, MapIndex, TaskState)| {
        (first.number()..=last.number()).map(move |number| (node, number, state))
    };
    let decided: BTreeSet<_> = changed.chain(made).flat_map(single).collect();
    let told = told.iter().filter(|(it, _)| is_told(it.node));
    let told: BTreeSet<_> = told.flat_map(|(it, to)| single((it.node, it.first, it.last, *to))).collect();
    assert_eq!(told, decided);
}
