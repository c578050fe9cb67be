//! Which part a task of a Slurm array is, by what Slurm says in its environment.

use super::error::ShardError;
use super::part::Shard;

const ID: &str = "SLURM_ARRAY_TASK_ID";
const COUNT: &str = "SLURM_ARRAY_TASK_COUNT";
const MIN: &str = "SLURM_ARRAY_TASK_MIN";
const MAX: &str = "SLURM_ARRAY_TASK_MAX";
const STEP: &str = "SLURM_ARRAY_TASK_STEP";

/// Whether this process is a task of an array.
pub fn is_task(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    variable(ID).is_some()
}

/// The part that a task is: the first of the array is part 1, whatever its number.
///
/// # Errors
/// A variable is not there or no number; or together they are none of an array whose numbers are evenly apart.
pub fn of_array(variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, ShardError> {
    let number = |name: &'static str| {
        let value = variable(name).ok_or(ShardError::Unset { variable: name })?;
        value.parse::<u32>().map_err(|_| ShardError::NoNumber { variable: name, value })
    };
    let (id, min, count, step) = (number(ID)?, number(MIN)?, number(COUNT)?, number(STEP)?);
    let unequal = |what: String| Err(ShardError::Unequal { what });
    if step == 0 || count == 0 {
        return unequal(format!("{COUNT} is {count} and {STEP} is {step}"));
    }
    let Some(behind) = id.checked_sub(min) else {
        return unequal(format!("{ID} is {id} and {MIN} is {min}"));
    };
    if behind % step != 0 {
        return unequal(format!("{ID} is {id}, which no steps of {STEP}={step} from {MIN}={min} lead to"));
    }
    // The last number also tells a list with gaps, in each of its tasks.
    let max = variable(MAX).map(|_| number(MAX)).transpose()?;
    let last = u64::from(min) + u64::from(step) * u64::from(count - 1);
    if let Some(max) = max.filter(|&max| u64::from(max) != last) {
        return unequal(format!(
            "{COUNT}={count} tasks from {MIN}={min} in steps of {STEP}={step} end at {last}, but {MAX} is {max}"
        ));
    }
    if u64::from(id) > last {
        return unequal(format!("{ID} is {id}, but the last of {COUNT}={count} tasks is {last}"));
    }
    Shard::new(behind / step + 1, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: [&str; 5]) -> Result<Shard, ShardError> {
        let pairs: Vec<(&str, &str)> = [ID, MIN, COUNT, STEP, MAX].into_iter().zip(values).collect();
        of_array(&|name| {
            let found = pairs.iter().find(|(own, value)| *own == name && *value != "-");
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_first_task_is_part_one() {
        // --array=0-3, 1-4, 10-19:3 (10, 13, 16, 19), 7.
        for (values, shard) in [
            (["0", "0", "4", "1", "3"], "1/4"),
            (["3", "0", "4", "1", "3"], "4/4"),
            (["4", "1", "4", "1", "-"], "4/4"),
            (["16", "10", "4", "3", "19"], "3/4"),
            (["7", "7", "1", "1", "7"], "1/1"),
        ] {
            assert_eq!(of(values).map(|shard| shard.to_string()), Ok(shard.to_owned()), "{values:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (at, variable) in [ID, MIN, COUNT, STEP].into_iter().enumerate() {
            let mut values = ["0", "0", "4", "1", "3"];
            values[at] = "-";
            assert_eq!(of(values), Err(ShardError::Unset { variable }));
            values[at] = "x";
            assert_eq!(of(values), Err(ShardError::NoNumber { variable, value: "x".to_owned() }));
        }
        for values in [
            ["0", "0", "0", "1", "-"],
            ["0", "0", "4", "0", "3"],
            ["0", "1", "4", "1", "4"],
            ["2", "1", "2", "2", "3"],
            ["7", "1", "3", "1", "-"],
            // --array=1,3,7
            ["1", "1", "3", "1", "7"],
        ] {
            assert!(matches!(of(values), Err(ShardError::Unequal { .. })), "{values:?}: {:?}", of(values));
        }
    }
}
