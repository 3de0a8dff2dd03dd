//! An act with who asks for it, as the text that the owner of a run reads.

use model::{MapIndex, RunState, TaskId, TaskState, VersionKey};

use super::{Act, Asker, Clear, Instances, Mark};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) act: Act,
    pub(crate) asker: Asker,
}

/// Tasks, indexes, and whether upstream, downstream, only what failed, only what runs.
type InstancesText = (Vec<TaskId>, Vec<MapIndex>, [bool; 4]);
/// Name of the act, instances, version, whether state is kept, the state of a mark, that of a run; who and why.
type Text =
    (String, InstancesText, Option<VersionKey>, bool, Option<TaskState>, Option<RunState>, String, Option<String>);

impl Asked {
    pub(crate) fn to_text(&self) -> serde_json::Result<String> {
        let (instances, version, keeps_state) = match &self.act {
            Act::Clear(clear) => (text_of(&clear.instances), clear.version, clear.keeps_state),
            Act::Mark(mark) => (text_of(&mark.instances), None, false),
            Act::MarkRun(_) | Act::Cancel => (text_of(&Instances::default()), None, false),
        };
        let marked = if let Act::Mark(mark) = &self.act { Some(mark.to) } else { None };
        let ended = if let Act::MarkRun(to) = &self.act { Some(*to) } else { None };
        let Asker { name, why } = self.asker.clone();
        let text: Text = (self.act.name().to_owned(), instances, version, keeps_state, marked, ended, name, why);
        serde_json::to_string(&text)
    }

    /// `None` for a text of another program.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (act, instances, version, keeps_state, marked, ended, name, why) =
            serde_json::from_str::<Text>(text).ok()?;
        let instances = instances_of(instances);
        let act = match act.as_str() {
            "clear" => Act::Clear(Clear { instances, version, keeps_state }),
            "mark" => Act::Mark(Mark { instances, to: marked? }),
            "mark_run" => Act::MarkRun(ended?),
            "cancel" => Act::Cancel,
            _ => return None,
        };
        Some(Self { act, asker: Asker { name, why } })
    }
}

fn text_of(instances: &Instances) -> InstancesText {
    let Instances { tasks, map_indexes, upstream, downstream, only_failed, only_running } = instances.clone();
    (tasks, map_indexes, [upstream, downstream, only_failed, only_running])
}

fn instances_of((tasks, map_indexes, flags): InstancesText) -> Instances {
    let [upstream, downstream, only_failed, only_running] = flags;
    Instances { tasks, map_indexes, upstream, downstream, only_failed, only_running }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_as_it_was_written() {
        let instances = Instances {
            tasks: vec![TaskId::new("a").unwrap()],
            map_indexes: vec![MapIndex::at(3)],
            downstream: true,
            ..Instances::default()
        };
        let asker = Asker { name: "ada".to_owned(), why: Some("wrong input".to_owned()) };
        for act in [
            Act::Clear(Clear { instances: instances.clone(), version: None, keeps_state: true }),
            Act::Mark(Mark { instances, to: TaskState::Success }),
            Act::MarkRun(RunState::Failed),
            Act::Cancel,
        ] {
            let asked = Asked { act, asker: asker.clone() };
            assert_eq!(Asked::of_text(&asked.to_text().unwrap()), Some(asked));
        }
        assert_eq!(Asked::of_text("{}"), None);
    }
}
