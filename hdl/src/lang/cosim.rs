//! Test support: what RustHDL's simulator did, replayed on the generated Verilog in Verilator and Icarus.
//!
//! A [`Recorder`] keeps the value of every port in every cycle; [`Recorder::replay`] drives the Verilog with the same
//! inputs and compares every output of every cycle for equality.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use rust_hdl_core::prelude::*;

use super::{sim, verilog};

struct Port {
    name: String,
    input: bool,
    width: usize,
}

#[derive(Default)]
struct Ports {
    depth: usize,
    ports: Vec<Port>,
    values: Vec<u128>,
}

impl Probe for Ports {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth += 1;
    }
    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth -= 1;
    }
    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        if self.depth != 1 || !atom.kind().is_parameter() || atom.descriptor().name == "clock" {
            return;
        }
        let width = atom.bits();
        let input = atom.kind() == AtomKind::InputParameter;
        self.ports.push(Port { name: verilog::net_name(name), input, width });
        let text = format!("{:x}", atom.verilog());
        let digits = text.split("'h").nth(1).unwrap_or("0");
        let value = u128::from_str_radix(digits, 16).unwrap_or_default();
        self.values.push(value & ((1 << width) - 1));
    }
}

/// Port values of a block, one row per cycle.
#[derive(Default)]
pub struct Recorder {
    rows: Vec<Vec<u128>>,
    compared_from: usize,
}

impl Recorder {
    /// One clock cycle of `block` (its inputs set by the caller), recorded before the rising edge. The clock port
    /// must be called `clk`.
    pub fn cycle<B: Block>(&mut self, block: &mut B, clock: impl Fn(&mut B) -> &mut Signal<In, Clock>) {
        self.settle(block);
        sim::cycle(block, clock);
    }

    /// Settles the logic and records the ports, for callers that read outputs before the edge.
    pub fn settle<B: Block>(&mut self, block: &mut B) {
        sim::settle(block);
        let mut ports = Ports::default();
        block.accept("top", &mut ports);
        self.rows.push(ports.values);
    }

    /// From here on outputs are compared; until here inputs are only driven. For memories, whose words are unknown
    /// in Icarus until they are written.
    pub fn compare_from_here(&mut self) {
        self.compared_from = self.rows.len();
    }

    /// Replays the recording on the Verilog of `block`. Panics on the first difference. Prints a line and goes on
    /// when a simulator is missing.
    pub fn replay<B: Block>(&self, block: &B, name: &str) {
        let mut ports = Ports::default();
        block.accept("top", &mut ports);
        let text = verilog::write(block, name).unwrap_or_else(|e| panic!("{e}"));
        let dir = tempfile::Builder::new().prefix(name).tempdir().expect("a temporary folder");
        let put =
            |file: &str, text: &str| std::fs::write(dir.path().join(file), text).expect("a temporary file");
        put(&format!("{name}.v"), &text);
        let mut vectors = String::new();
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|v| format!("{v:x}")).collect();
            writeln!(vectors, "{}", cells.join(" ")).expect("writing to a string");
        }
        put("vectors.txt", &vectors);
        put("bench.cpp", &cpp_bench(&ports.ports, name, self.compared_from));
        put("bench.v", &verilog_bench(&ports.ports, name, self.rows.len(), self.compared_from));
        let file = format!("{name}.v");
        let waivers: Vec<String> = verilog::waived().collect();
        let mut args =
            vec!["--cc", "--exe", "--build", "-O1", "-CFLAGS", "-O0", "--top-module", name, "-Wall"];
        args.extend(waivers.iter().map(String::as_str));
        args.extend([file.as_str(), "bench.cpp"]);
        run(dir.path(), "verilator", &args, &format!("./obj_dir/V{name}"));
        run(dir.path(), "iverilog", &["-g2005", "-o", "bench.vvp", &file, "bench.v"], "vvp -n bench.vvp");
    }
}

fn run(dir: &Path, tool: &str, args: &[&str], program: &str) {
    let built = match Command::new(tool).args(args).current_dir(dir).output() {
        Ok(out) => out,
        Err(_) => {
            eprintln!("SKIPPED: {tool} is not installed");
            return;
        }
    };
    assert!(built.status.success(), "{tool}:\n{}", String::from_utf8_lossy(&built.stderr));
    let mut words = program.split(' ');
    let program = words.next().unwrap_or_default();
    let out = Command::new(program).args(words).current_dir(dir).output().expect("the simulation runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && text.contains("all equal"), "{tool}: {text}");
}

fn cpp_bench(ports: &[Port], name: &str, from: usize) -> String {
    let mut body = String::new();
    for (i, p) in ports.iter().enumerate() {
        assert!(p.width <= 64, "port {} is too wide for the bench", p.name);
        if p.input {
            writeln!(body, "    top.{} = v[{i}];", p.name).expect("writing to a string");
        }
    }
    body += "    top.eval();\n";
    for (i, p) in ports.iter().enumerate().filter(|(_, p)| !p.input) {
        writeln!(body, "    check(row, \"{0}\", v[{i}], uint64_t(top.{0}));", p.name)
            .expect("writing to a string");
    }
    format!(
        "#include \"V{name}.h\"\n#include <cstdio>\n#include <cstdlib>\n#include <cinttypes>\n\
         static void check(long row, const char* port, uint64_t want, uint64_t got) {{\n  \
         if (row >= {from} && want != got) {{ printf(\"cycle %ld, %s: RustHDL %\" PRIx64 \", Verilog %\" PRIx64 \"\\n\", row, port, want, got); exit(1); }}\n}}\n\
         double sc_time_stamp() {{ return 0; }}\n\
         int main() {{\n  V{name} top;\n  FILE* f = fopen(\"vectors.txt\", \"r\");\n  uint64_t v[{n}];\n  top.clk = 0;\n  \
         for (long row = 0;; row++) {{\n    for (int i = 0; i < {n}; i++) if (fscanf(f, \"%\" SCNx64, &v[i]) != 1) {{ printf(\"all equal\\n\"); return 0; }}\n\
         {body}    top.clk = 1; top.eval(); top.clk = 0; top.eval();\n  }}\n}}\n",
        n = ports.len()
    )
}

fn verilog_bench(ports: &[Port], name: &str, rows: usize, from: usize) -> String {
    let (mut declare, mut connect, mut read, mut drive, mut check) = Default::default();
    let w = |s: &mut String, t: String| s.push_str(&t);
    for (i, p) in ports.iter().enumerate() {
        w(
            &mut declare,
            format!(
                "  reg [{0}:0] v{i}; {2} [{0}:0] {1};\n",
                p.width - 1,
                p.name,
                if p.input { "reg" } else { "wire" }
            ),
        );
        w(&mut connect, format!(", .{0}({0})", p.name));
        w(&mut read, format!("      bench_code = $fscanf(bench_file, \"%h\", v{i});\n"));
        if p.input {
            w(&mut drive, format!("      {} = v{i};\n", p.name));
        } else {
            w(&mut check, format!(
                "      if (bench_row >= {from} && {0} !== v{i}) begin $display(\"cycle %0d, {0}: RustHDL %h, Verilog %h\", bench_row, v{i}, {0}); $finish; end\n",
                p.name
            ));
        }
    }
    let (declare, connect, read, drive, check): (String, String, String, String, String) =
        (declare, connect, read, drive, check);
    format!(
        "module bench;\n  reg clk; integer bench_file, bench_code, bench_row;\n{declare}  {name} dut (.clk(clk){connect});\n  initial begin\n    \
         clk = 0; #1; bench_file = $fopen(\"vectors.txt\", \"r\");\n    for (bench_row = 0; bench_row < {rows}; bench_row = bench_row + 1) begin\n{read}{drive}      #1;\n{check}      \
         clk = 1; #1; clk = 0; #1;\n    end\n    $display(\"all equal\"); $finish;\n  end\nendmodule\n"
    )
}
