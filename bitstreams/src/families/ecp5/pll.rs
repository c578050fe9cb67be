//! Dividers of the ECP5's clock generator (EHXPLLL), by the rules of Project Trellis' ecppll: of all settings inside
//! the device's limits the one whose output is nearest to the wanted frequency, and of those the one whose oscillator
//! is nearest to the middle of its range. They are computed here, so that a design's clock does not depend on which
//! tools are installed; a test holds them equal to ecppll's.

use crate::clock::PllError;

/// Input frequency in MHz.
const INPUT: (f64, f64) = (8.0, 400.0);
/// Output frequency in MHz.
const OUTPUT: (f64, f64) = (10.0, 400.0);
/// Frequency of the phase detector in MHz.
const DETECTOR: (f64, f64) = (3.125, 400.0);
/// Frequency of the oscillator in MHz.
const OSCILLATOR: (f64, f64) = (400.0, 800.0);
/// Largest divider.
const DIVIDERS: u32 = 128;
/// Largest feedback divider: beyond it the detector is too slow for every output.
const FEEDBACKS: u32 = 80;
/// Largest distance from the wanted frequency, as a share of it.
const TOLERANCE: f64 = 0.02;

/// Settings of the clock generator with its first output as feedback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pll {
    /// Frequency of the input in MHz.
    pub input_mhz: f64,
    /// Frequency of the output in MHz.
    pub output_mhz: f64,
    /// `CLKI_DIV`.
    pub input_div: u32,
    /// `CLKFB_DIV`.
    pub feedback_div: u32,
    /// `CLKOP_DIV`.
    pub output_div: u32,
}

fn within((low, high): (f64, f64), what: &'static str, got: f64) -> Result<(), PllError> {
    if (low..=high).contains(&got) {
        Ok(())
    } else {
        Err(PllError::Range { what, got, low, high })
    }
}

impl Pll {
    /// Settings for `output` MHz from `input` MHz.
    ///
    /// # Errors
    /// A frequency is outside of the device's limits, or nothing comes within 2 % of it.
    pub fn new(input: f64, output: f64) -> Result<Self, PllError> {
        within(INPUT, "input", input)?;
        within(OUTPUT, "output", output)?;
        let middle = (OSCILLATOR.0 + OSCILLATOR.1) / 2.0;
        let mut best: Option<(f64, f64, Self)> = None;
        for input_div in 1..=DIVIDERS {
            let detector = input / f64::from(input_div);
            if !(DETECTOR.0..=DETECTOR.1).contains(&detector) {
                continue;
            }
            for feedback_div in 1..=FEEDBACKS {
                let output_mhz = detector * f64::from(feedback_div);
                for output_div in 1..=DIVIDERS {
                    let oscillator = output_mhz * f64::from(output_div);
                    if !(OSCILLATOR.0..=OSCILLATOR.1).contains(&oscillator) {
                        continue;
                    }
                    let (miss, off) = ((output_mhz - output).abs(), (oscillator - middle).abs());
                    // The first of equal settings stays: frequencies that differ by rounding only are equal.
                    let better = best.is_none_or(|(least, near, _)| {
                        miss < least - 1e-9 || ((miss - least).abs() <= 1e-9 && off < near - 1e-9)
                    });
                    if better {
                        let pll = Self { input_mhz: input, output_mhz, input_div, feedback_div, output_div };
                        best = Some((miss, off, pll));
                    }
                }
            }
        }
        match best {
            Some((miss, _, pll)) if miss <= TOLERANCE * output => Ok(pll),
            other => {
                let nearest = other.map_or(0.0, |(_, _, pll)| pll.output_mhz);
                Err(PllError::Far { wanted: output, input, nearest })
            }
        }
    }

    /// `CLKOP_CPHASE`: the output's rising edge at the feedback's.
    pub fn phase(&self) -> u32 {
        (self.output_div - 1) / 2
    }

    /// The module `board_pll`: `clkin` to `clkout`, `locked` when the output is stable.
    pub fn verilog(&self) -> String {
        format!(
            r#"// Clock generator: {input} MHz to {output} MHz.
module board_pll (
  input wire clkin, // oscillator
  output wire clkout, // core clock
  output wire locked // the core clock is stable
);
  (* FREQUENCY_PIN_CLKI="{input}" *) (* FREQUENCY_PIN_CLKOP="{output}" *)
  (* ICP_CURRENT="12" *) (* LPF_RESISTOR="8" *) (* MFG_ENABLE_FILTEROPAMP="1" *) (* MFG_GMCREF_SEL="2" *)
  EHXPLLL #(
    .PLLRST_ENA("DISABLED"), .INTFB_WAKE("DISABLED"), .STDBY_ENABLE("DISABLED"), .DPHASE_SOURCE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"), .OUTDIVIDER_MUXB("DIVB"), .OUTDIVIDER_MUXC("DIVC"), .OUTDIVIDER_MUXD("DIVD"),
    .CLKI_DIV({clki}), .CLKOP_ENABLE("ENABLED"), .CLKOP_DIV({clkop}), .CLKOP_CPHASE({phase}), .CLKOP_FPHASE(0),
    .FEEDBK_PATH("CLKOP"), .CLKFB_DIV({clkfb})
  ) pll (
    .RST(1'b0), .STDBY(1'b0), .CLKI(clkin), .CLKOP(clkout), .CLKFB(clkout), .CLKINTFB(),
    .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1),
    .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0), .LOCK(locked)
  );
endmodule
"#,
            input = self.input_mhz,
            output = self.output_mhz,
            clki = self.input_div,
            clkop = self.output_div,
            phase = self.phase(),
            clkfb = self.feedback_div,
        )
    }
}
