//! The report as a page: well formed, whole in itself, readable without eyes, and of the same figures as the report.
#![allow(clippy::unwrap_used)]

mod program;

use program::{pictures, run, spikegate};
use roxmltree::{Document, Node, ParsingOptions};
use spikegate_bitstreams::report::{
    Implementation, Seed, Use, WorstPath, IMPLEMENTATION, IMPLEMENTATION_VERSION,
};
use spikegate_compiler::emit::bundle::replace_report;
use spikegate_compiler::report::{Report, Source};
use spikegate_compiler::{build, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::Design;
use spikegate_golden::random::{cifar18, demo, network, Rng, Shape};
use spikegate_testbench::data::{open_split, Split};
use spikegate_testbench::evaluate::{evaluate, Evaluation, Images};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A model's name that would be a script if it were not text.
const HOSTILE: &str = "<script>alert('x')</script>&amp;\"--><style>";
/// A class folder that would be a link.
const CLASS: &str = "<a href=\"https:cat\">&";
/// Most bytes of a page.
const MOST: usize = 2_000_000;

/// A design of a random network.
struct Home(tempfile::TempDir);

impl Home {
    fn new(shape: &Shape, array: ArrayConfig) -> Self {
        let mut network = network(&mut Rng(3), shape);
        network.name = HOSTILE.to_owned();
        let folder = tempfile::tempdir().unwrap();
        build(network, &Settings::new(array), &mut ()).unwrap().write(&folder.path().join("design")).unwrap();
        Self(folder)
    }

    /// One that takes the pictures.
    fn small() -> Self {
        let shape = Shape { input: [3, 13, 11], stem: 4, stages: vec![(6, 1, 2)], classes: 2, ..demo() };
        Self::new(&shape, ArrayConfig::new(4, 1, 4, 4).unwrap())
    }

    fn design(&self) -> PathBuf {
        self.0.path().join("design")
    }

    /// Pictures of two classes.
    fn pictures(&self) -> PathBuf {
        let folder = self.0.path().join("pictures");
        pictures(&folder.join(CLASS), 3);
        pictures(&folder.join("dog"), 2);
        folder
    }

    fn report(&self) -> Report {
        Design::open(&self.design()).unwrap().report().unwrap()
    }

    /// The page, with further arguments.
    fn page(&self, extra: &[&str]) -> String {
        let path = self.0.path().join("page.html");
        let mut command = spikegate();
        command.arg("report").arg(self.design()).arg("--html").arg(&path);
        let got = run(command.args(extra));
        assert_eq!(got.code, 0, "{}", got.err);
        assert!(got.out.starts_with("wrote ") && got.out.lines().count() == 1, "{}", got.out);
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page.len() < MOST, "{} bytes", page.len());
        page
    }
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap()
}

fn elements<'a>(of: Node<'a, 'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    of.descendants().filter(move |n| n.tag_name().name() == name)
}

fn text(of: Node) -> String {
    of.descendants().filter(Node::is_text).filter_map(|n| n.text()).collect()
}

fn with_id<'a>(page: &'a Document<'a>, id: &str) -> Node<'a, 'a> {
    page.descendants().find(|n| n.attribute("id") == Some(id)).unwrap_or_else(|| panic!("no {id}"))
}

/// Rows of the table whose caption begins so, cell by cell.
fn rows<'a>(page: &'a Document<'a>, caption: &str) -> Vec<Vec<String>> {
    let table = elements(page.root(), "table")
        .find(|t| elements(*t, "caption").any(|c| text(c).trim().starts_with(caption)));
    let table = table.unwrap_or_else(|| panic!("no table {caption}"));
    let body = elements(table, "tbody").next().unwrap();
    let cells =
        |row: Node<'a, 'a>| row.children().filter(Node::is_element).map(|c| text(c).trim().to_owned());
    elements(body, "tr").map(|row| cells(row).collect()).collect()
}

/// `12,345` as a number.
fn number(text: &str) -> u64 {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// What holds of every page.
fn judge(page: &Document) {
    let all = || page.descendants().filter(Node::is_element);
    // Nothing is fetched or run.
    let forbidden = ["script", "iframe", "object", "embed", "link", "img", "image", "use", "base", "form"];
    for node in all() {
        let name = node.tag_name().name();
        assert!(!forbidden.contains(&name), "<{name}>");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && name != "src", "{name}={value}");
            assert!(!value.contains("://") && !value.contains("url("), "{name}={value}");
        }
    }
    let style: String = elements(page.root(), "style").map(text).collect();
    assert!(!style.contains("url(") && !style.contains("@import"));
    let policy =
        elements(page.root(), "meta").find_map(|m| m.attribute("content").filter(|c| c.contains("'none'")));
    assert_eq!(policy, Some("default-src 'none'; style-src 'unsafe-inline'"));
    // Names of elements are unique, and all that are spoken of exist.
    let mut ids = BTreeSet::new();
    for id in all().filter_map(|n| n.attribute("id")) {
        assert!(ids.insert(id), "{id} twice");
    }
    for node in all() {
        let link = node.attribute("href").map(|link| link.trim_start_matches('#'));
        let spoken = node.attribute("aria-labelledby").into_iter().flat_map(str::split_whitespace);
        for id in spoken.chain(link) {
            assert!(ids.contains(id), "no {id}");
        }
    }
    // Who does not see it finds the way.
    for landmark in ["header", "nav", "main", "footer", "h1"] {
        assert_eq!(elements(page.root(), landmark).count(), 1, "{landmark}");
    }
    let mut level = 0;
    for heading in all().filter_map(|n| n.tag_name().name().strip_prefix('h')?.parse::<u32>().ok()) {
        assert!(heading <= level + 1, "a heading of level {heading} follows one of level {level}");
        level = heading;
    }
    for table in elements(page.root(), "table") {
        assert_eq!(elements(table, "caption").count(), 1);
        assert!(elements(table, "th").all(|th| th.attribute("scope").is_some()));
        let columns = elements(elements(table, "thead").next().unwrap(), "th").count();
        for row in elements(elements(table, "tbody").next().unwrap(), "tr") {
            assert_eq!(row.children().filter(Node::is_element).count(), columns, "{}", text(table));
        }
    }
    let mut names = BTreeSet::from([""]);
    // By keyboard one gets to all that scrolls, in the order of the page, and hears what it is.
    for node in all().filter(|n| n.attribute("class").is_some_and(|c| c.split(' ').any(|c| c == "scroll"))) {
        assert_eq!(node.attribute("tabindex"), Some("0"));
        assert_eq!(node.attribute("role"), Some("group"));
        let name = node.attribute("aria-label").unwrap();
        assert!(names.insert(name), "two are called {name}");
    }
    assert!(elements(page.root(), "table").all(|t| t.ancestors().any(|n| n.attribute("tabindex").is_some())));
    assert!(all().filter_map(|n| n.attribute("tabindex")).all(|order| order == "0"));
    for svg in elements(page.root(), "svg") {
        assert_eq!(svg.attribute("role"), Some("img"));
        let title = svg.children().find(|n| n.tag_name().name() == "title").unwrap();
        assert!(!text(title).is_empty());
        assert!(svg.attribute("aria-labelledby").unwrap().contains(title.attribute("id").unwrap()));
    }
    assert_eq!(text(elements(page.root(), "h1").next().unwrap()), HOSTILE);
}

/// The figures of the page are the report's.
fn compare(page: &Document, report: &Report) {
    let cycles = rows(page, "The instructions of an image");
    assert_eq!(cycles.len(), report.layers.len());
    for (row, layer) in cycles.iter().zip(&report.layers) {
        assert_eq!(row[0], layer.name);
        assert_eq!([4, 5].map(|at| number(&row[at])), [layer.dense_ops, layer.cycles.value], "{row:?}");
        let counted = layer.counted.map(|c| c.value);
        assert_eq!((row[6] != "–").then(|| number(&row[6])), counted, "{row:?}");
    }
    let memories = rows(page, "Memories of the core");
    assert_eq!(memories.len(), report.memories.len());
    for (row, memory) in memories.iter().zip(&report.memories) {
        assert_eq!((&row[0], number(&row[4])), (&memory.name, memory.used.value as u64));
    }
    let summary = elements(elements(page.root(), "header").next().unwrap(), "dd").next().unwrap();
    assert_eq!(number(&text(summary)), report.cycles.value);
    assert!(text(summary).ends_with(&report.cycles.source.to_string()));
}

#[test]
fn without_data_it_says_what_it_lacks() {
    let home = Home::small();
    let page = home.page(&[]);
    let page = parsed(&page);
    judge(&page);
    compare(&page, &home.report());
    for (id, command) in [
        ("check", "spikegate simulate"),
        ("accuracy", "--html FILE --input DATA"),
        ("errors", "--float 32 --model MODEL"),
        ("firing", "--html FILE --input DATA"),
        ("image", "--html FILE --input DATA"),
        ("resources", "spikegate synth"),
    ] {
        let missing = elements(with_id(&page, id), "p").find(|p| p.attribute("class") == Some("missing"));
        assert!(text(missing.unwrap()).contains(command), "{id}");
    }
}

fn evaluation(design: &Path, input: &Path) -> Evaluation {
    let (design, set) = (Design::open(design).unwrap(), open_split(input, Split::Default).unwrap());
    let all: Vec<usize> = (0..set.len()).collect();
    let labels = set.labels(&all, design.network.classes()).unwrap();
    let read = |at| set.image(at);
    let images = Images { count: set.len(), read: &read, labels: &labels };
    evaluate(&design.network, &images, false, &|_| ()).unwrap().0
}

#[test]
fn with_data_it_has_what_the_networks_did() {
    let home = Home::small();
    let input = home.pictures();
    let page = home.page(&["--input", input.to_str().unwrap(), "--image", "3"]);
    let page = parsed(&page);
    judge(&page);
    compare(&page, &home.report());
    let missing = page.descendants().filter(|n| n.attribute("class") == Some("missing"));
    assert_eq!(missing.count(), 3, "only simulation, float network and bitstream are missing");

    let found = evaluation(&home.design(), &input);
    let rates = rows(&page, "Spikes of all neurons");
    assert_eq!(rates.len(), found.populations.len());
    for (row, population) in rates.iter().zip(&found.populations) {
        assert!(row[0].ends_with(&population.name));
        assert!(row[2].starts_with(&format!("{:.1} %", 100.0 * population.spikes.rate())), "{row:?}");
        assert_eq!(number(row[3].split(' ').next().unwrap()), population.dead as u64, "{row:?}");
    }
    let classes = found.classes.unwrap();
    let matrix = rows(&page, "A row for every label");
    let counts: Vec<Vec<u64>> =
        matrix.iter().map(|row| row[1..].iter().map(|n| number(n)).collect()).collect();
    assert_eq!(counts, classes.confusion);
    assert_eq!([&matrix[0][0], &matrix[1][0]], [CLASS, "dog"]);
    let image = text(with_id(&page, "image"));
    assert!(image.contains("Image 3 of ") && image.contains("timestep 4"), "{image}");
    // Six populations, the gate's three maps a timestep, and the picture.
    let maps = elements(with_id(&page, "image"), "svg").filter(|s| s.attribute("class") == Some("map"));
    assert_eq!(maps.count(), found.populations.len() + 3 * 4 + 1);
    // Equal input, equal page.
    let again = home.page(&["--input", input.to_str().unwrap(), "--image", "3"]);
    assert!(again == page.input_text(), "two pages of the same differ");
}

#[test]
fn a_simulation_is_mentioned_with_its_cycles() {
    let home = Home::small();
    let (design, mut report) = (Design::open(&home.design()).unwrap(), home.report());
    let mut cycles: Vec<u64> = report.layers.iter().map(|l| l.cycles.value).collect();
    cycles[1] += 1;
    report.count_cycles(&cycles, Source::Simulation);
    replace_report(&design, &report).unwrap();
    let page = home.page(&[]);
    let page = parsed(&page);
    judge(&page);
    compare(&page, &home.report());
    let check = text(with_id(&page, "check"));
    assert!(check.contains("1 took other cycles than were predicted"), "{check}");
    assert_eq!(rows(&page, "Cycles that differ").len(), 1);
}

#[test]
fn a_bitstream_is_shown_with_what_it_takes() {
    let home = Home::small();
    let made = Implementation {
        format_version: IMPLEMENTATION_VERSION,
        board: "ulx3s-85f".to_owned(),
        part: "<LFE5U>".to_owned(),
        clock_mhz: 25.0,
        source: "route".to_owned(),
        fmax_mhz: 31.4159,
        seed: 2,
        seeds: vec![Seed { seed: 2, fmax_mhz: 31.4159 }],
        other_clocks: Vec::new(),
        resources: vec![Use::new("TRELLIS_COMB", 12_345, 83_640)],
        worst_path: WorstPath {
            total_ns: 31.8,
            logic_ns: 20.0,
            routing_ns: 11.8,
            stages: 9,
            from: "a".to_owned(),
            to: "b".to_owned(),
            longest_wire: None,
        },
        baud: 1e6,
        tools: vec![("yosys".to_owned(), "0.70".to_owned())],
        verilog_hash: Design::open(&home.design()).unwrap().manifest.verilog_hash,
        bitstream: "top.bit".to_owned(),
        bitstream_hash: String::new(),
        netlist_hash: String::new(),
    };
    let folder = home.design().join("boards/ulx3s-85f");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(IMPLEMENTATION), serde_json::to_vec(&made).unwrap()).unwrap();
    let page = home.page(&[]);
    let page = parsed(&page);
    judge(&page);
    let blocks = rows(&page, "What is used of <LFE5U>");
    assert_eq!(blocks, [["TRELLIS_COMB", "12,345", "83,640", "14.8 %", "route"]]);
    assert!(text(with_id(&page, "resources")).contains("place and route allows 31.4 MHz"));
    // Of links, only that board's is of interest.
    assert_eq!(rows(&page, "What an image asks").len(), 2);
}

#[test]
fn arguments_are_judged() {
    let home = Home::small();
    let input = home.pictures();
    let design = home.design();
    let report = |extra: &[&str]| run(spikegate().arg("report").arg(&design).args(extra));
    let input = input.to_str().unwrap();
    // To standard output the page goes alone.
    let got = report(&["--html", "-", "--input", input, "--images", "1"]);
    assert_eq!(got.code, 0, "{}", got.err);
    judge(&parsed(&got.out));
    assert_eq!(report(&["--input", input]).code, 2, "without --html");
    let got = report(&["--html", "-", "--input", input, "--image", "5"]);
    assert!(got.code == 2 && got.out.is_empty() && got.err.contains("image 5"), "{}", got.err);
    let got = report(&["--html", design.to_str().unwrap()]);
    assert!(got.code == 2 && got.err.contains("it is a folder"), "{}", got.err);
    let path = home.0.path().join("page.html");
    let got = report(&["--format", "json", "--html", path.to_str().unwrap()]);
    let said: serde_json::Value = serde_json::from_str(&got.out).unwrap();
    assert_eq!(said["bytes"].as_u64().unwrap(), std::fs::metadata(path).unwrap().len());
}

/// The largest published network for small images; slow without optimisation.
#[test]
#[ignore = "minutes in a debug build"]
fn a_large_network_stays_below_two_megabytes() {
    let shape = Shape { t: 16, ..cifar18() };
    let home = Home::new(&shape, ArrayConfig::new(4, 1, 16, 16).unwrap());
    let pictures = home.0.path().join("pictures/one");
    std::fs::create_dir_all(&pictures).unwrap();
    let noise =
        image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x, y, x * y].map(|v| (v * 37 + x * 11) as u8)));
    noise.save(pictures.join("noise.png")).unwrap();
    let page = home.page(&["--input", pictures.to_str().unwrap()]);
    eprintln!("{} bytes", page.len());
    judge(&parsed(&page));
}
