//! The shared library of a Verilated core: the only unsafe code of this crate. `../verilator_shim.cpp` is the
//! other side.
#![allow(unsafe_code)]

use libloading::Library;
use std::ffi::{c_char, c_void, CStr, CString};
use std::path::Path;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As asked.
    Done,
    /// The cycles ran out first.
    TimedOut,
    /// The register answered with an error.
    Refused,
    /// The model stopped: see [`Core::message`].
    Failed,
}

impl Outcome {
    fn of(code: i32) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::TimedOut,
            2 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// What [`Core::run`] runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Until {
    /// All cycles.
    Cycles = 0,
    /// A complete packet.
    Packet = 1,
    /// No word left to send.
    Sent = 2,
}

type Handle = *mut c_void;

/// Declares the function table, filled by name from the library.
macro_rules! functions {
    ($($name:ident: fn($($arg:ty),*) $(-> $ret:ty)?;)*) => {
        struct Functions { $($name: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)* }

        impl Functions {
            fn load(library: &Library) -> Result<Self, libloading::Error> {
                // SAFETY: the library is built from our own shim, whose functions have exactly these signatures
                // (pointers are opaque); `Core` keeps the library loaded as long as the table.
                unsafe { Ok(Self { $($name: *library.get(concat!("sg_", stringify!($name)))?,)* }) }
            }
        }
    };
}

functions! {
    new: fn() -> Handle;
    delete: fn(Handle);
    reset: fn(Handle, u32) -> i32;
    gaps: fn(Handle, u64, u32, u32);
    memory: fn(Handle, u64, u64, u64, u64, u32);
    memory_refuse: fn(Handle, u64, u64);
    memory_flip: fn(Handle, u32, u32);
    memory_read: fn(Handle, u32, *mut u8, usize);
    send: fn(Handle, *const u32, usize);
    unsent: fn(Handle) -> usize;
    run: fn(Handle, u64, u32) -> i32;
    packet_length: fn(Handle) -> usize;
    partial_length: fn(Handle) -> usize;
    packet_take: fn(Handle, *mut u32);
    csr_write: fn(Handle, u32, u32, u64) -> i32;
    csr_read: fn(Handle, u32, *mut u32, u64) -> i32;
    kept_count: fn(Handle) -> usize;
    kept_name: fn(Handle, usize) -> *const c_char;
    kept_words: fn(Handle, usize) -> u32;
    kept_bits: fn(Handle, usize) -> u32;
    kept_flip: fn(Handle, usize, u32, u32);
    cycles: fn(Handle) -> u64;
    irq: fn(Handle) -> u32;
    wave_start: fn(Handle, *const c_char) -> i32;
    wave_stop: fn(Handle) -> i32;
    message: fn(Handle) -> *const c_char;
}

/// One instance of the model.
pub(super) struct Core {
    handle: Handle,
    f: Functions,
    /// Keeps the code of `f` in memory; dropped after `Core::drop` has deleted the instance.
    _library: Library,
}

impl Core {
    /// Loads the library and makes an instance.
    pub fn load(path: &Path) -> Result<Self, String> {
        // SAFETY: the file holds the library that `build` made from our shim and the Verilated model, its hash checked;
        // their static initialisers only set up tables of their own.
        let library = unsafe { Library::new(path) }.map_err(|e| e.to_string())?;
        let f = Functions::load(&library).map_err(|e| e.to_string())?;
        // SAFETY: takes nothing, returns null on failure.
        let handle = unsafe { (f.new)() };
        if handle.is_null() {
            return Err("the model cannot be set up (out of memory?)".to_owned());
        }
        Ok(Self { handle, f, _library: library })
    }

    pub fn reset(&mut self, cycles: u32) -> Outcome {
        // SAFETY: `handle` is live until `drop`.
        Outcome::of(unsafe { (self.f.reset)(self.handle, cycles) })
    }

    pub fn gaps(&mut self, seed: u64, input: u8, output: u8) {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.gaps)(self.handle, seed, input.into(), output.into()) }
    }

    pub fn memory(&mut self, seed: u64, latency: u64, jitter: u64, rate: u64, gaps: u8) {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.memory)(self.handle, seed, latency, jitter, rate, gaps.into()) }
    }

    pub fn memory_refuse(&mut self, read: u64, write: u64) {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.memory_refuse)(self.handle, read, write) }
    }

    pub fn memory_flip(&mut self, address: u32, bit: u8) {
        // SAFETY: `handle` is live until `drop`; the memory has every address.
        unsafe { (self.f.memory_flip)(self.handle, address, (bit % 8).into()) }
    }

    pub fn memory_read(&mut self, address: u32, to: &mut [u8]) {
        // SAFETY: `handle` is live; `to` has room for as many bytes; the memory has every address.
        unsafe { (self.f.memory_read)(self.handle, address, to.as_mut_ptr(), to.len()) }
    }

    pub fn send(&mut self, packet: &[u32]) {
        // SAFETY: `handle` is live; pointer and length describe `packet`, which the callee copies.
        unsafe { (self.f.send)(self.handle, packet.as_ptr(), packet.len()) }
    }

    pub fn unsent(&self) -> usize {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.unsent)(self.handle) }
    }

    pub fn run(&mut self, cycles: u64, until: Until) -> Outcome {
        // SAFETY: `handle` is live until `drop`.
        Outcome::of(unsafe { (self.f.run)(self.handle, cycles, until as u32) })
    }

    /// Words of the packet that is not complete yet.
    pub fn partial(&self) -> usize {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.partial_length)(self.handle) }
    }

    /// The oldest complete packet.
    pub fn take_packet(&mut self) -> Option<Vec<u32>> {
        // SAFETY: `handle` is live until `drop`.
        let length = unsafe { (self.f.packet_length)(self.handle) };
        let mut words = vec![0; length];
        if length == 0 {
            return None;
        }
        // SAFETY: `words` has room for the `packet_length` words that the callee writes.
        unsafe { (self.f.packet_take)(self.handle, words.as_mut_ptr()) };
        Some(words)
    }

    pub fn write_csr(&mut self, offset: u32, value: u32, most: u64) -> Outcome {
        // SAFETY: `handle` is live until `drop`.
        Outcome::of(unsafe { (self.f.csr_write)(self.handle, offset, value, most) })
    }

    pub fn read_csr(&mut self, offset: u32, most: u64) -> (Outcome, u32) {
        let mut value = 0;
        // SAFETY: `handle` is live and `value` outlives the call.
        let code = unsafe { (self.f.csr_read)(self.handle, offset, &mut value, most) };
        (Outcome::of(code), value)
    }

    /// Memories that the build keeps by name: name, words, bits of a word.
    pub fn kept(&self) -> Vec<(String, u32, u32)> {
        // SAFETY: `handle` is live until `drop`.
        let count = unsafe { (self.f.kept_count)(self.handle) };
        let one = |which| {
            // SAFETY: `handle` is live and `which` below the count; the terminated name lives as long, and is copied here.
            unsafe {
                let name =
                    CStr::from_ptr((self.f.kept_name)(self.handle, which)).to_string_lossy().into_owned();
                (name, (self.f.kept_words)(self.handle, which), (self.f.kept_bits)(self.handle, which))
            }
        };
        (0..count).map(one).collect()
    }

    /// Inverts a bit of one of them, which must exist.
    pub fn flip(&mut self, which: usize, word: u32, bit: u32) {
        let kept = self.kept();
        let (name, words, bits) = &kept[which];
        assert!(word < *words && bit < *bits, "{name} has {words} words of {bits} bits");
        // SAFETY: `handle` is live, and the bit is one of that memory.
        unsafe { (self.f.kept_flip)(self.handle, which, word, bit) }
    }

    pub fn cycles(&self) -> u64 {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.cycles)(self.handle) }
    }

    pub fn irq(&self) -> bool {
        // SAFETY: `handle` is live until `drop`.
        unsafe { (self.f.irq)(self.handle) != 0 }
    }

    pub fn start_wave(&mut self, path: &CString) -> Outcome {
        // SAFETY: `handle` is live and `path` is a terminated string that outlives the call.
        Outcome::of(unsafe { (self.f.wave_start)(self.handle, path.as_ptr()) })
    }

    pub fn stop_wave(&mut self) -> Outcome {
        // SAFETY: `handle` is live until `drop`.
        Outcome::of(unsafe { (self.f.wave_stop)(self.handle) })
    }

    /// Why a call failed.
    pub fn message(&self) -> String {
        // SAFETY: the callee returns a terminated string that lives until the next call; it is copied here.
        let text = unsafe { CStr::from_ptr((self.f.message)(self.handle)) };
        text.to_string_lossy().into_owned()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // SAFETY: made by `new`, deleted once, and the library is still loaded.
        unsafe { (self.f.delete)(self.handle) }
    }
}
