//! What holds of the server and of the database itself: who is refused and told what, schemas, rows that something else wrote, and
//! what happens when the server goes away.

mod filled;
mod opening;
mod recovery;
mod rows;
