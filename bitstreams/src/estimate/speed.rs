//! How fast an array runs on an ECP5.
//!
//! The slowest path's delay is a base for the logic, which does not grow with the array, and wires that get longer as
//! it fills the device: `base + wire * log2(lane operations)`, for each speed grade. Both are fitted to the placed
//! arrays of `routes.csv`; while all of a grade have one size, that is their mean period for every size.

use spikegate_contract::array::ArrayConfig;

use super::fit::least_squares;
use super::table::Route;

/// Periods by speed grade.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speed {
    /// Speed grade, base in ns, ns per doubling of the lane operations.
    grades: Vec<(String, f64, f64)>,
}

impl Speed {
    /// Of placed arrays.
    pub fn fit(routes: &[Route]) -> Self {
        let mut names: Vec<&str> = routes.iter().map(|r| r.grade.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let grades = names.into_iter().map(|grade| {
            let mine = routes.iter().filter(|r| r.grade == grade);
            // Relative errors count.
            let rows: Vec<([f64; 2], f64)> = mine
                .map(|r| {
                    let ns = 1000.0 / r.fmax_mhz;
                    ([1.0 / ns, f64::from(r.lane_ops.max(1)).log2() / ns], 1.0)
                })
                .collect();
            let [base, wire] = least_squares(&rows);
            (grade.to_owned(), base, wire)
        });
        Self { grades: grades.collect() }
    }

    /// Speed grades of which arrays were placed.
    pub fn grades(&self) -> Vec<String> {
        self.grades.iter().map(|(name, ..)| name.clone()).collect()
    }

    /// Fastest clock in MHz; none for a speed grade of which nothing was placed.
    pub fn fmax(&self, grade: &str, array: &ArrayConfig) -> Option<f64> {
        let (_, base, wire) = self.grades.iter().find(|(name, ..)| name == grade)?;
        Some(1000.0 / (base + wire * (array.lane_ops() as f64).log2()))
    }
}
