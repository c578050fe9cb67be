//! Simulated boards behind serial ports, as `spikegate board` serves them.

use crate::program::spikegate;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A board that serves one host program.
pub struct Board {
    child: Child,
    /// Address of its port.
    pub device: String,
    _home: tempfile::TempDir,
}

impl Board {
    /// Builds and starts it; `more` are further arguments.
    pub fn start(design: &Path, board: &str, more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = home.path().join("port");
        let mut command = spikegate();
        command
            .arg("board")
            .arg("--design")
            .arg(design)
            .args(["--board", board, "--once", "--format", "json"]);
        command.arg("--port").arg(&port).args(more).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while !port.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the board ended before it had a port");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, device: format!("uart:{}", port.display()), _home: home }
    }

    /// Waits until it has seen that its host program is gone; the number of faults on its line.
    pub fn end(mut self) -> u64 {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        let counts: serde_json::Value = serde_json::from_str(&text).unwrap();
        counts["faults"].as_u64().unwrap()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // It has ended already, or no host program came.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
