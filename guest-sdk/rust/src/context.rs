//! Who and where the running task instance is.

use std::cell::RefCell;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::error::TaskError;

/// A task instance, as the host knows it. All times are microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskContext {
    /// The DAG.
    pub dag_id: String,
    /// The run.
    pub run_id: String,
    /// The task.
    pub task_id: String,
    /// Position in the expansion; `None` for a task that is not mapped.
    pub map_index: Option<u32>,
    /// One position for each level of mapping, outermost first; empty for a task that is not mapped.
    pub map_path: Vec<u32>,
    /// Key of the mapped item as JSON: its position in a list, its key in an object.
    pub map_key: Option<String>,
    /// Counts from 1 and rises with each attempt.
    pub try_number: u32,
    /// The time that the run stands for; `None` for a run that was triggered without one.
    pub logical_date_us: Option<i64>,
    /// Begin of the interval whose data the run processes.
    pub data_interval_start_us: Option<i64>,
    /// End of that interval, not in it.
    pub data_interval_end_us: Option<i64>,
    /// The run's parameters as a JSON object, defaults filled in.
    pub params: String,
    /// When the host ends this attempt.
    pub deadline_us: i64,
}

/// An unmapped first attempt of the task `task` in the run `run` of the DAG `dag`, without end: what a unit test begins with.
impl Default for TaskContext {
    fn default() -> Self {
        Self {
            dag_id: "dag".to_owned(),
            run_id: "run".to_owned(),
            task_id: "task".to_owned(),
            map_index: None,
            map_path: Vec::new(),
            map_key: None,
            try_number: 1,
            logical_date_us: None,
            data_interval_start_us: None,
            data_interval_end_us: None,
            params: "{}".to_owned(),
            deadline_us: i64::MAX,
        }
    }
}

impl TaskContext {
    /// All parameters of the run; `T` is a struct or map.
    ///
    /// # Errors
    /// The parameters are no `T`.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// let context = waft::TaskContext { params: r#"{"limit":3}"#.into(), ..Default::default() };
    /// assert_eq!(context.read_params::<BTreeMap<String, u64>>().unwrap()["limit"], 3);
    /// ```
    pub fn read_params<T: DeserializeOwned>(&self) -> Result<T, TaskError> {
        Ok(serde_json::from_str(&self.params)?)
    }
}

thread_local! {
    static CURRENT: RefCell<Rc<TaskContext>> = RefCell::default();
}

/// The running task instance. In a unit test: what [`testing::set_context`](crate::testing::set_context) says.
///
/// ```
/// assert_eq!(waft::context().try_number, 1);
/// ```
pub fn context() -> Rc<TaskContext> {
    CURRENT.with_borrow(Rc::clone)
}

pub(crate) fn set(context: TaskContext) {
    CURRENT.set(Rc::new(context));
}
