//! Clocks that are given.

/// A clock in MHz.
pub(super) fn clock(text: &str) -> Result<f64, String> {
    let mhz: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (1.0..=1000.0).contains(&mhz) {
        Ok(mhz)
    } else {
        Err("expected 1 to 1000 MHz".to_owned())
    }
}
