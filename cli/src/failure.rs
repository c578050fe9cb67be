//! From an error to an exit code and to text.

use anyhow::Error;
use spikegate_bitstreams::explore::ExploreError;
use spikegate_bitstreams::families::ecp5::FlowError;
use spikegate_bitstreams::program::ProgramError;
use spikegate_bitstreams::simulation::SimulationError;
use spikegate_bitstreams::tools::ToolError;
use spikegate_runtime::device::DeviceError;
use spikegate_runtime::devices::verilator::BuildError;
use spikegate_runtime::devices::OpenError;
use spikegate_runtime::identity::Mismatch;
use spikegate_runtime::session::SessionError;
use std::fmt::Write;

/// A comparison that did not come out equal. Its text has been printed as a result where there is more to say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CheckFailed(pub String);

/// 1: a check failed, 2: wrong usage or input, 3: a tool or device is missing. (4, a bug of ours, is in [`crate::bug`].)
pub fn exit_code(error: &Error) -> u8 {
    let of = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(build) = cause.downcast_ref::<BuildError>() {
            return Some(if build.is_missing_tool() { 3 } else { 2 });
        }
        if let Some(session) = cause.downcast_ref::<SessionError>() {
            return Some(match session {
                SessionError::Image { .. } => 2,
                SessionError::Mismatch(mismatch) => of_mismatch(mismatch),
                SessionError::Device(device) => of_device(device),
                _ => 1,
            });
        }
        if let Some(open) = cause.downcast_ref::<OpenError>() {
            return Some(match open {
                OpenError::Build(build) if !build.is_missing_tool() => 2,
                OpenError::Golden(_) | OpenError::NoDesign(_) | OpenError::Hardware(_) => 2,
                _ => 3,
            });
        }
        if let Some(flow) = cause.downcast_ref::<FlowError>() {
            return Some(match flow {
                FlowError::Timing { .. } | FlowError::TooLarge { .. } => 1,
                FlowError::Tool(tool) => of_tool(tool),
                _ => 2,
            });
        }
        if let Some(ExploreError::TooLarge { .. }) = cause.downcast_ref() {
            return Some(1);
        }
        if let Some(program) = cause.downcast_ref::<ProgramError>() {
            return Some(match program {
                ProgramError::Vivado { .. } => 3,
                ProgramError::Tool(tool) => of_tool(tool),
                _ => 2,
            });
        }
        if let Some(simulation) = cause.downcast_ref::<SimulationError>() {
            return Some(match simulation {
                SimulationError::Tool(tool) => of_tool(tool),
                _ => 2,
            });
        }
        if let Some(mismatch) = cause.downcast_ref::<Mismatch>() {
            return Some(of_mismatch(mismatch));
        }
        if let Some(device) = cause.downcast_ref::<DeviceError>() {
            return Some(of_device(device));
        }
        cause.is::<CheckFailed>().then_some(1)
    };
    error.chain().find_map(of).unwrap_or(2)
}

/// A device that is not the one that is needed is a missing device; a damaged design is wrong input.
fn of_mismatch(mismatch: &Mismatch) -> u8 {
    match mismatch {
        Mismatch::Manifest { .. } => 2,
        _ => 3,
    }
}

/// A tool that is too old is as good as none.
fn of_tool(error: &ToolError) -> u8 {
    match error {
        ToolError::Missing { .. } | ToolError::Old { .. } => 3,
        _ => 2,
    }
}

/// A device that has gone is a missing device; one that does not do as it should has failed a check.
fn of_device(error: &DeviceError) -> u8 {
    match error {
        DeviceError::Gone { .. } | DeviceError::Io { .. } | DeviceError::Engine { .. } => 3,
        DeviceError::Diverged { .. } | DeviceError::Recording { .. } => 2,
        _ => 1,
    }
}

/// The error, its causes, and what to do: messages of this project end in `; what to do`.
pub fn render(error: &Error) -> String {
    let mut out = String::new();
    let mut help = None;
    let mut said = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        // Many messages already hold their cause.
        if depth > 0 && said.contains(&text) {
            continue;
        }
        said.push_str(&text);
        let (body, todo) = split_help(&text);
        help = todo.map(str::to_owned).or(help);
        let label = if depth == 0 { "error" } else { "  cause" };
        let body = body.trim_end().replace('\n', "\n  ");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{label}: {body}");
    }
    if let Some(help) = help {
        let _ = writeln!(out, "  help: {help}");
    }
    out
}

/// Splits a message at its last clause.
fn split_help(text: &str) -> (&str, Option<&str>) {
    let at = |mark: &str| text.rsplit_once(mark).map(|(body, help)| (body, Some(help)));
    at("\nhelp: ").or_else(|| at("; ")).unwrap_or((text, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{anyhow, Context};

    #[test]
    fn shows_cause_and_help() {
        let error = anyhow!("a.bin: 3 bytes, expected 4; copy it again").context("reading the program");
        let text = "error: reading the program\n  cause: a.bin: 3 bytes, expected 4\n  help: copy it again\n";
        assert_eq!(render(&error), text);
    }

    #[test]
    fn says_nothing_twice() {
        let cause = std::io::Error::other("no space");
        let error = Err::<(), _>(cause).context("cannot write x: no space; free some").expect_err("error");
        assert_eq!(render(&error), "error: cannot write x: no space\n  help: free some\n");
    }

    #[test]
    fn indents_what_a_tool_said() {
        let error = anyhow!("compiling x failed: g++ says\n  a;\n  b\nhelp: see above");
        let text = "error: compiling x failed: g++ says\n    a;\n    b\n  help: see above\n";
        assert_eq!(render(&error), text);
    }

    #[test]
    fn exit_codes() {
        assert_eq!(exit_code(&anyhow!("anything")), 2);
        assert_eq!(exit_code(&anyhow!(CheckFailed("differs".to_owned()))), 1);
        assert_eq!(exit_code(&anyhow!(CheckFailed("differs".to_owned())).context("image 3")), 1);
        let source = std::io::Error::other("none");
        let missing = BuildError::MissingTool { tool: "verilator".to_owned(), package: "verilator", source };
        assert_eq!(exit_code(&anyhow!(missing)), 3);
        assert_eq!(exit_code(&anyhow!(SessionError::Idle)), 1);
    }
}
