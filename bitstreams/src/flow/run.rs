//! The steps, one after the other.

use std::collections::BTreeMap;

use super::device::{fits, resources};
use super::error::FlowError;
use super::job::{above, placed, Job, BITSTREAM, CARRIES, SYNTH};
use crate::files;
use crate::held::{create, Held};
use crate::netlist::NetlistError;
use crate::report::{self, Implementation, Seed, Timing};
use crate::step::Step;
use crate::tools::{Tool, Toolbox, YOSYS};

impl Job {
    /// Makes the bitstream in `folder`; `progress` is told each step and whether it is left out.
    ///
    /// # Errors
    /// See [`FlowError`].
    pub fn run(
        &self,
        folder: &Held,
        tools: &Toolbox,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Implementation, FlowError> {
        let mut versions = BTreeMap::new();
        let (nextpnr, packer) = (self.tools.place(), self.tools.pack());
        for tool in [&YOSYS, nextpnr, packer] {
            versions.insert(tool.name(), tools.version(tool)?);
        }
        let version = |tool: &Tool| versions[tool.name()].clone().into_bytes();
        // For people and for `board`: the steps work on copies of their own.
        for (name, text) in &self.sources {
            folder.write(name, text.as_bytes())?;
        }
        folder.write(self.constraints.name, self.constraints.text.as_bytes())?;

        progress("synthesis");
        let args = self.synth_args();
        let settings = vec![args.join("\n").into_bytes(), version(&YOSYS)];
        let names: Vec<String> = self.sources.iter().map(|(name, _)| above(name)).collect();
        let files =
            names.iter().zip(&self.sources).map(|(name, (_, text))| (&name[..], text.as_bytes().into()));
        let outputs = ["netlist.json", "cells.json"];
        let synth = Step { folder, name: SYNTH, settings, files: files.collect(), outputs: &outputs };
        let log = folder.join("synth.log");
        synth.run::<FlowError>(|dir| Ok(tools.run(&YOSYS, &args, dir, &log).map(drop)?))?;
        let path = folder.join("cells.json");
        fits(
            &self.board,
            self.family.part(),
            &self.array,
            &report::cells(&path, &files::read(&path, files::TEXT)?)?,
        )?;

        let path = folder.join("netlist.json");
        let text = files::read(&path, files::ARTEFACT)?;
        let files = vec![("netlist.json", text.as_slice().into())];
        let carries = Step { folder, name: CARRIES, settings: vec![], files, outputs: &["placed.json"] };
        carries.run::<FlowError>(|dir| {
            let wrong = |e: serde_json::Error| NetlistError { path: path.clone(), what: e.to_string() };
            let mut netlist = serde_json::from_slice(&text).map_err(wrong)?;
            self.tools.mend(&path, &mut netlist)?;
            Ok(create(&dir.join("placed.json"), &serde_json::to_vec(&netlist).map_err(wrong)?)?)
        })?;
        let netlist = files::read(&folder.join("placed.json"), files::ARTEFACT)?;
        let mut tried = Vec::new();
        let mut best: Option<(u32, Timing)> = None;
        for seed in 1..=self.seeds {
            progress(&format!("place and route, seed {seed} of at most {}", self.seeds));
            let timing = self.place(folder, tools, seed, &netlist, version(nextpnr))?;
            tried.push(Seed { seed, fmax_mhz: timing.fmax_mhz });
            if best.as_ref().is_none_or(|(_, b)| self.reserve(&timing) > self.reserve(b)) {
                best = Some((seed, timing));
            }
            if best.as_ref().is_some_and(|(_, b)| self.reserve(b) >= 1.0) {
                break;
            }
        }
        // At least one seed is tried.
        let Some((seed, timing)) = best else {
            return Err(FlowError::Constraint { wanted: self.clock.mhz, got: 0.0 });
        };
        if timing.fmax_mhz < self.clock.mhz {
            return Err(FlowError::Timing {
                board: self.board.id.clone(),
                wanted: self.clock.mhz,
                best: timing.fmax_mhz,
                seed,
                path: timing.worst.text(),
                tried,
            });
        }
        if let Some(clock) = timing.others.iter().find(|clock| !clock.is_met()) {
            let (board, clock) = (self.board.id.clone(), clock.clone());
            return Err(FlowError::OtherClock { board, clock, seed, seeds: self.seeds });
        }

        progress("bitstream");
        let args = self.pack_args(seed);
        let [config, _, routed] = placed(seed);
        let settings = vec![args.join("\n").into_bytes(), version(packer)];
        let (name, config) = (above(&config), files::read(&folder.join(&config), files::ARTEFACT)?);
        let files = vec![(&name[..], config.into())];
        let pack = Step { folder, name: "pack", settings, files, outputs: &[BITSTREAM] };
        let log = folder.join("pack.log");
        pack.run::<FlowError>(|dir| Ok(tools.run(packer, &args, dir, &log).map(drop)?))?;

        let bitstream = folder.join(BITSTREAM);
        let made = Implementation {
            format_version: report::IMPLEMENTATION_VERSION,
            board: self.board.id.clone(),
            part: self.board.device.part.to_string(),
            clock_mhz: self.clock.mhz,
            source: "route".to_owned(),
            fmax_mhz: timing.fmax_mhz,
            other_clocks: timing.others.clone(),
            seed,
            seeds: tried,
            resources: resources(&self.board.resources, self.tools.blocks(), &timing),
            worst_path: timing.worst,
            baud: 1e6 * self.clock.mhz / f64::from(self.divider),
            tools: versions.into_iter().map(|(name, v)| (name.to_owned(), v)).collect(),
            verilog_hash: files::hash(self.sources[0].1.as_bytes()),
            bitstream_hash: files::hash(&files::read(&bitstream, files::BITSTREAM)?),
            netlist_hash: files::hash(&files::read(&folder.join(&routed), files::ARTEFACT)?),
            bitstream: BITSTREAM.to_owned(),
        };
        // Numbers and strings have a JSON form.
        let json = serde_json::to_vec_pretty(&made).unwrap_or_default();
        folder.write(report::IMPLEMENTATION, &json)?;
        Ok(made)
    }

    fn place(
        &self,
        folder: &Held,
        tools: &Toolbox,
        seed: u32,
        netlist: &[u8],
        version: Vec<u8>,
    ) -> Result<Timing, FlowError> {
        let args = self.place_args(seed);
        let settings = vec![args.join("\n").into_bytes(), version];
        let constraints = above(self.constraints.name);
        let files = vec![
            ("../placed.json", netlist.into()),
            (&constraints[..], self.constraints.text.as_bytes().into()),
        ];
        let name = format!("seed-{seed}");
        let [cfg, json, routed] = placed(seed);
        let step = Step { folder, name: &name, settings, files, outputs: &[&cfg, &json, &routed] };
        let log = folder.join(format!("{name}.log"));
        step.run::<FlowError>(|dir| Ok(tools.run(self.tools.place(), &args, dir, &log).map(drop)?))?;
        let path = folder.join(&json);
        let timing = report::timing(&path, &files::read(&path, files::ARTEFACT)?, self.clock.mhz)?;
        // The memory's is not asked for: it follows from the oscillator's and the PHY's settings.
        let others = || timing.others.iter().map(|clock| clock.mhz);
        let near = |wanted: f64| others().min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()));
        let core = (self.clock.mhz, Some(timing.constraint_mhz));
        let memory = self.memory_mhz.map(|wanted| (wanted, near(wanted)));
        for (wanted, got) in [Some(core), memory].into_iter().flatten() {
            let got = got.unwrap_or_default();
            if !report::is_clock(got, wanted) {
                return Err(FlowError::Constraint { wanted, got });
            }
        }
        Ok(timing)
    }

    /// Fastest clock over the wanted one, of the tightest clock: from 1 on all are met.
    fn reserve(&self, timing: &Timing) -> f64 {
        let others = timing.others.iter().map(|clock| clock.fmax_mhz / clock.mhz);
        others.fold(timing.fmax_mhz / self.clock.mhz, f64::min)
    }
}
