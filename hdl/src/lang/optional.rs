//! What only some arrays have.

use std::ops::{Index, IndexMut};

use rust_hdl_core::prelude::*;

/// A port, a bundle or a unit that only some arrays have. A kernel says what becomes of it in a loop that runs once or
/// not at all: `for p in 0..self.fetch.count() { self.fetch[p]... }`.
#[derive(Clone, Debug, Default)]
pub struct Optional<T>(Option<T>);

impl<T> Optional<T> {
    /// `make()` if the array has it.
    pub fn new(there: bool, make: impl FnOnce() -> T) -> Self {
        Self(there.then(make))
    }
    /// 1 if it is there, else 0.
    pub fn count(&self) -> usize {
        usize::from(self.0.is_some())
    }
    /// It, if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }
}

impl<T> Index<usize> for Optional<T> {
    type Output = T;
    fn index(&self, i: usize) -> &T {
        match &self.0 {
            Some(it) if i == 0 => it,
            _ => panic!("an array without it has no kernel that says so"),
        }
    }
}

impl<T> IndexMut<usize> for Optional<T> {
    fn index_mut(&mut self, i: usize) -> &mut T {
        match &mut self.0 {
            Some(it) if i == 0 => it,
            _ => panic!("an array without it has no kernel that says so"),
        }
    }
}

impl<T: Block> Logic for Optional<T> {
    fn update(&mut self) {}
}

impl<T: Block> Block for Optional<T> {
    fn connect_all(&mut self) {
        self.0.iter_mut().for_each(Block::connect_all);
    }
    fn update_all(&mut self) {
        self.0.iter_mut().for_each(Block::update_all);
    }
    fn has_changed(&self) -> bool {
        self.0.as_ref().is_some_and(Block::has_changed)
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        self.0.iter().for_each(|it| it.accept(&format!("{name}$0"), probe));
    }
}
