//! Faults between driver and card: register accesses.

use spikegate_runtime::device::DeviceError;
use spikegate_runtime::devices::pcie::bus::Bus;
use spikegate_runtime::devices::pcie::memory::DmaMemory;
use spikegate_runtime::devices::pcie::socket::Socket;
use spikegate_runtime::xdma::USER_BAR;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use super::fault::{word, Action, Event, Plan};

pub struct FaultyBus {
    pub bus: Socket,
    pub plan: Arc<Mutex<Plan>>,
}

impl FaultyBus {
    /// What goes wrong with an access; gone cards answer with ones.
    fn event(&self, event: Event) -> Option<(Action, u64)> {
        let mut plan = self.plan.lock().unwrap();
        let hit = plan.event(event);
        if plan.gone {
            Some((Action::Gone, 0))
        } else {
            hit
        }
    }
}

impl Bus for FaultyBus {
    fn name(&self) -> &str {
        self.bus.name()
    }

    fn read(&mut self, bar: u32, at: u64) -> Result<u32, DeviceError> {
        let fault = self.event(if bar == USER_BAR { Event::CsrRead } else { Event::EngineRead });
        let value = self.bus.read(bar, at)?;
        Ok(fault.map_or(value, |fault| word(value, fault).unwrap_or(value)))
    }

    fn write(&mut self, bar: u32, at: u64, value: u32) -> Result<(), DeviceError> {
        let fault = self.event(if bar == USER_BAR { Event::CsrWrite } else { Event::EngineWrite });
        let Some((action, chance)) = fault else { return self.bus.write(bar, at, value) };
        match action {
            Action::Gone | Action::Drop => Ok(()),
            Action::Elsewhere => self.bus.write(bar, at ^ 4 << (chance % 5), value),
            Action::Repeat => {
                self.bus.write(bar, at, value)?;
                self.bus.write(bar, at, value)
            }
            _ => self.bus.write(bar, at, word(value, (action, chance)).unwrap_or(value)),
        }
    }

    fn memory(&self) -> &DmaMemory {
        self.bus.memory()
    }

    fn events(&self) -> &[OwnedFd] {
        self.bus.events()
    }
}
