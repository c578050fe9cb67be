//! Least squares without negative coefficients.

/// Enough sweeps for the few features here: a fit takes milliseconds.
const SWEEPS: usize = 20_000;

/// The coefficients, none negative, with the least sum of squares of `y - x * c` over `rows` of `(x, y)`.
pub fn least_squares<const N: usize>(rows: &[([f64; N], f64)]) -> [f64; N] {
    let mut c = [0.0; N];
    let mut rest: Vec<f64> = rows.iter().map(|(_, y)| *y).collect();
    // One coefficient after the other to its best value, at least 0.
    for _ in 0..SWEEPS {
        for k in 0..N {
            let along: f64 = rows.iter().zip(&rest).map(|((x, _), r)| x[k] * r).sum();
            let length: f64 = rows.iter().map(|(x, _)| x[k] * x[k]).sum();
            if length > 0.0 {
                let step = (c[k] + along / length).max(0.0) - c[k];
                c[k] += step;
                rest.iter_mut().zip(rows).for_each(|(r, (x, _))| *r -= step * x[k]);
            }
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_coefficients_of_exact_data_and_none_below_zero() {
        let points: Vec<[f64; 3]> = (0..12).map(|i| [f64::from(i * i), f64::from(i * 7 % 5), 1.0]).collect();
        let of = |c: [f64; 3]| -> Vec<([f64; 3], f64)> {
            points.iter().map(|x| (*x, x.iter().zip(c).map(|(x, c)| x * c).sum())).collect()
        };
        let near =
            |got: [f64; 3], wanted: [f64; 3]| got.iter().zip(wanted).all(|(g, w)| (g - w).abs() < 1e-6);
        assert!(near(least_squares(&of([2.0, 0.5, 30.0])), [2.0, 0.5, 30.0]));
        let got = least_squares(&of([2.0, -3.0, 30.0]));
        assert!(got.iter().all(|c| *c >= 0.0) && got[1] == 0.0, "{got:?}");
    }
}
