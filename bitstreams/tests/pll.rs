//! The clock generator's dividers against ecppll's, and what cannot be made.
#![allow(clippy::unwrap_used)]

use spikegate_contract::failure::Failure;
use std::process::Command;

use spikegate_bitstreams::clock::PllError;
use spikegate_bitstreams::families::ecp5::pll::Pll;

#[test]
fn settings_are_inside_the_limits_and_near() {
    for input in [12.0, 25.0, 100.0, 125.0] {
        for tenth in (100..4000).step_by(37) {
            let wanted = f64::from(tenth) / 10.0;
            let Ok(pll) = Pll::new(input, wanted) else { continue };
            let detector = input / f64::from(pll.input_div);
            let output = detector * f64::from(pll.feedback_div);
            let oscillator = output * f64::from(pll.output_div);
            assert!((3.125..=400.0).contains(&detector) && (400.0..=800.0).contains(&oscillator), "{pll:?}");
            assert!(
                (output - pll.output_mhz).abs() < 1e-9 && (output / wanted - 1.0).abs() <= 0.02,
                "{pll:?}"
            );
        }
    }
    assert!(matches!(Pll::new(25.0, 5.0), Err(PllError::Range { what: "output", .. })));
    assert!(matches!(Pll::new(5.0, 25.0), Err(PllError::Range { what: "input", .. })));
    assert!(matches!(Pll::new(25.0, f64::NAN), Err(PllError::Range { .. })));
    let said = Pll::new(25.0, 10.3).unwrap_err().in_a_line();
    assert!(
        said.contains("cannot make 10.3 MHz from 25 MHz, the nearest is 10 MHz; ask for --freq 10"),
        "{said}"
    );
}

#[test]
fn they_are_those_of_ecppll() {
    let home = tempfile::tempdir().unwrap();
    for (input, output) in
        [(25.0, 25.0), (25.0, 62.5), (25.0, 80.0), (100.0, 40.0), (100.0, 62.5), (25.0, 48.0)]
    {
        let file = home.path().join("pll.v");
        let made = Command::new("yowasp-ecppll")
            .args(["-i", &input.to_string(), "-o", &output.to_string(), "-f", "pll.v"])
            .current_dir(home.path())
            .output();
        if made.is_err() {
            eprintln!("SKIPPED: yowasp-ecppll is not installed, the dividers are not compared with it");
            return;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let number = |name: &str| -> u32 {
            let (_, rest) = text.split_once(&format!(".{name}(")).unwrap();
            rest.split(')').next().unwrap().parse().unwrap()
        };
        // It may make a frequency farther off than we take.
        let Ok(pll) = Pll::new(input, output) else { continue };
        let ours = [pll.input_div, pll.feedback_div, pll.output_div, pll.phase()];
        let theirs = ["CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV", "CLKOP_CPHASE"].map(number);
        assert_eq!(ours, theirs, "{input} MHz to {output} MHz");
        for (name, value) in ["CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV", "CLKOP_CPHASE"].iter().zip(ours) {
            assert!(pll.verilog().contains(&format!(".{name}({value})")), "{name}");
        }
    }
}
