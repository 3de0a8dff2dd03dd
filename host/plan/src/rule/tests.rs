//! The rules against an evaluator that reads the table of ends as it is written, tries every way in which what is pending may end,
//! and gives a verdict early only when all of them come to the same.

use model::TaskState;
use model::document::TriggerRule;

use super::{Counts, Verdict, verdict};

const ENDS: [TaskState; 5] =
    [TaskState::Success, TaskState::Skipped, TaskState::Failed, TaskState::UpstreamFailed, TaskState::Removed];

/// One upstream instance: how it ended, and whether it is a setup.
type Upstream = (Option<TaskState>, bool);

/// The verdict when everything has ended.
fn at_the_end(rule: TriggerRule, upstream: &[(TaskState, bool)], index: Option<u32>) -> Verdict {
    let count = |state: TaskState| upstream.iter().filter(|(it, _)| *it == state).count() as i64;
    let [s, k, f, x, r] = ENDS.map(count);
    let u = upstream.len() as i64;
    let d = s + k + f + x + r;
    let setups: Vec<TaskState> = upstream.iter().filter(|(_, is_setup)| *is_setup).map(|(state, _)| *state).collect();
    let setup_success = setups.contains(&TaskState::Success);
    let runs = match rule {
        TriggerRule::AllSuccess => u - s - r <= 0,
        TriggerRule::AllFailed => u - f - x - r <= 0,
        TriggerRule::AllDone => d >= u,
        TriggerRule::AllDoneMinOneSuccess => k == 0 && s + f + x >= u - k - r && s >= 1,
        TriggerRule::AllDoneSetupSuccess => d >= u && (setups.is_empty() || setup_success),
        TriggerRule::OneSuccess => s >= 1,
        TriggerRule::OneFailed => f > 0 || x > 0,
        TriggerRule::OneDone => s + f >= 1,
        TriggerRule::NoneFailed => u - s - k - r <= 0,
        TriggerRule::NoneFailedMinOneSuccess => u - s - k - r <= 0 && s >= 1,
        TriggerRule::NoneSkipped => d >= u && k == 0,
        TriggerRule::AllSkipped => u - k <= 0,
        TriggerRule::Always => true,
    };
    if u == 0 {
        return Verdict::Run;
    }
    let beyond = r > 0 && s > 0 && index.is_some_and(|index| i64::from(index) >= s);
    if runs {
        return if rule == TriggerRule::AllSuccess && beyond { Verdict::Remove } else { Verdict::Run };
    }
    match rule {
        TriggerRule::AllSuccess if f > 0 || x > 0 => Verdict::UpstreamFail,
        TriggerRule::AllSuccess
        | TriggerRule::AllFailed
        | TriggerRule::OneFailed
        | TriggerRule::OneDone
        | TriggerRule::NoneSkipped
        | TriggerRule::AllSkipped => Verdict::Skip,
        TriggerRule::AllDoneMinOneSuccess => {
            if k > 0 {
                Verdict::Skip
            } else {
                Verdict::UpstreamFail
            }
        }
        TriggerRule::AllDoneSetupSuccess => {
            if setups.iter().all(|it| *it == TaskState::Skipped) {
                Verdict::Skip
            } else {
                Verdict::UpstreamFail
            }
        }
        TriggerRule::OneSuccess => {
            if k == u {
                Verdict::Skip
            } else {
                Verdict::UpstreamFail
            }
        }
        TriggerRule::NoneFailed => Verdict::UpstreamFail,
        TriggerRule::NoneFailedMinOneSuccess if f > 0 || x > 0 => Verdict::UpstreamFail,
        TriggerRule::NoneFailedMinOneSuccess => {
            if k == u {
                Verdict::Skip
            } else {
                Verdict::UpstreamFail
            }
        }
        TriggerRule::AllDone | TriggerRule::Always => unreachable!("runs whatever there is"),
    }
}

/// What a rule waits for although nothing can change it any more: "all done" stands in its line.
fn waits_for_all(rule: TriggerRule, verdict: Verdict) -> bool {
    match rule {
        TriggerRule::AllDone | TriggerRule::AllDoneSetupSuccess => true,
        TriggerRule::NoneSkipped | TriggerRule::AllDoneMinOneSuccess => verdict == Verdict::Run,
        _ => false,
    }
}

fn completions(upstream: &[Upstream]) -> Vec<Vec<(TaskState, bool)>> {
    upstream.iter().fold(vec![Vec::new()], |all, (state, is_setup)| {
        let ends = match state {
            Some(state) => vec![*state],
            None => ENDS.to_vec(),
        };
        all.iter().flat_map(|some| ends.iter().map(|end| [some.clone(), vec![(*end, *is_setup)]].concat())).collect()
    })
}

fn slow(rule: TriggerRule, upstream: &[Upstream], index: Option<u32>) -> Verdict {
    let verdicts: Vec<_> = completions(upstream).iter().map(|all| at_the_end(rule, all, index)).collect();
    let is_done = upstream.iter().all(|(state, _)| state.is_some());
    let first = verdicts[0];
    if verdicts.iter().any(|it| *it != first) || (!is_done && waits_for_all(rule, first)) {
        return Verdict::Wait;
    }
    first
}

fn counts<'a>(upstream: impl Iterator<Item = &'a Upstream>) -> Counts {
    let mut counts = Counts::default();
    for (state, _) in upstream {
        counts.pending += 1;
        if let Some(state) = state {
            counts.end(*state, 1);
        }
    }
    counts
}

/// Every combination of up to four upstream instances, the first `setups` of which are setups.
fn every_combination(check: impl Fn(&[Upstream], Option<u32>)) {
    let states = ENDS.iter().map(|state| Some(*state)).chain([None]).collect::<Vec<_>>();
    for length in 0..=4_u32 {
        for number in 0..6_usize.pow(length) {
            let digit = |place: u32| states[number / 6_usize.pow(place) % 6];
            for setups in 0..=length.min(2) {
                let upstream: Vec<_> = (0..length).map(|place| (digit(place), place < setups)).collect();
                for index in [None, Some(0), Some(2)] {
                    check(&upstream, index);
                }
            }
        }
    }
}

#[test]
fn every_rule_says_what_its_line_says() {
    for rule in TriggerRule::ALL {
        every_combination(|upstream, index| {
            let setups = counts(upstream.iter().filter(|(_, is_setup)| *is_setup));
            let fast = verdict(*rule, counts(upstream.iter()), setups, index);
            assert_eq!(fast, slow(*rule, upstream, index), "{rule:?} {upstream:?} {index:?}");
        });
    }
}

/// What is said early is what is said at the end, whatever comes.
#[test]
fn a_verdict_is_never_taken_back() {
    for rule in TriggerRule::ALL {
        every_combination(|upstream, index| {
            let setups = |all: &[Upstream]| counts(all.iter().filter(|(_, is_setup)| *is_setup));
            let early = verdict(*rule, counts(upstream.iter()), setups(upstream), index);
            if early == Verdict::Wait {
                return;
            }
            for all in completions(upstream) {
                let all: Vec<_> = all.into_iter().map(|(state, is_setup)| (Some(state), is_setup)).collect();
                let late = verdict(*rule, counts(all.iter()), setups(&all), index);
                assert_eq!(early, late, "{rule:?} {upstream:?} {all:?}");
            }
        });
    }
}
