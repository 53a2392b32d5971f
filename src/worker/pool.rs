//! Calls under way: threads that send, and the channel by which their answers come back.
//!
//! Threads are started as they are needed and end with the pool; a call that is under way then is
//! abandoned, and its row is read as a lost answer when its lease has ended. Invariant: every call
//! that was handed over comes back exactly once, also when sending panics.

use super::transport::Line;
use crate::backend::thread::{self, Bell, Ringer};
use crate::error::{Error, Result};
use owostack_provider::answer::Answer;
use owostack_provider::request::Request;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// One request to be sent.
pub struct Task {
    /// The outbox row that it is for.
    pub id: Uuid,
    pub line: Line,
    pub request: Request,
}

/// What came of a request.
pub struct Came {
    pub id: Uuid,
    pub answer: Answer,
}

/// The threads.
pub struct Pool {
    bell: Bell,
    ringer: Arc<Ringer>,
    tasks: Sender<Task>,
    waiting: Arc<Mutex<Receiver<Task>>>,
    came: Receiver<Came>,
    done: Sender<Came>,
    threads: usize,
    under_way: usize,
}

impl Pool {
    /// A pool without threads.
    ///
    /// # Errors
    /// When the process has no file to give.
    pub fn new() -> Result<Self> {
        let (bell, ringer) = thread::bell()?;
        let (tasks, waiting) = channel();
        let (done, came) = channel();
        Ok(Self {
            bell,
            ringer: Arc::new(ringer),
            tasks,
            waiting: Arc::new(Mutex::new(waiting)),
            came,
            done,
            threads: 0,
            under_way: 0,
        })
    }

    /// What a latch wait watches to be woken by answers.
    pub fn file(&self) -> i32 {
        self.bell.file()
    }

    /// Makes sure that there is a thread for one more call.
    ///
    /// # Errors
    /// When the system has none to give, and the pool has none either.
    pub fn prepare(&mut self) -> Result<()> {
        if self.threads > self.under_way {
            return Ok(());
        }
        let (waiting, done) = (Arc::clone(&self.waiting), self.done.clone());
        let ringer = Arc::clone(&self.ringer);
        let spawned = thread::spawn("owostack call", move || work(&waiting, &done, &ringer));
        match spawned {
            Ok(_) => self.threads = self.threads.saturating_add(1),
            // Those that are there do it later.
            Err(_) if self.threads > 0 => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Hands a call over; after [`Pool::prepare`].
    ///
    /// # Errors
    /// When no thread can take it.
    pub fn send(&mut self, task: Task) -> Result<()> {
        self.tasks
            .send(task)
            .map_err(|_| Error::internal("the threads for calls are gone"))?;
        self.under_way = self.under_way.saturating_add(1);
        Ok(())
    }

    /// The answers that have come.
    pub fn answers(&mut self) -> Vec<Came> {
        // Silent first: what comes after this line rings again.
        self.bell.hush();
        let answers: Vec<Came> = self.came.try_iter().collect();
        self.under_way = self.under_way.saturating_sub(answers.len());
        answers
    }
}

/// The life of a thread: until the pool is gone.
fn work(waiting: &Mutex<Receiver<Task>>, done: &Sender<Came>, ringer: &Ringer) {
    loop {
        let next = {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.recv()
        };
        let Ok(Task { id, line, request }) = next else {
            return;
        };
        let sent = catch_unwind(AssertUnwindSafe(|| line.send(&request)));
        // What a panic leaves is not known to have stayed here.
        let answer = sent.unwrap_or_else(|_| Answer::Lost("sending broke off".to_owned()));
        if done.send(Came { id, answer }).is_err() {
            return;
        }
        ringer.ring();
    }
}
