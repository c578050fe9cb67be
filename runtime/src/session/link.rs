//! Packets over the device's streams, in frames that show what goes wrong on the way.

use spikegate_contract::csr::{offset, FEATURE_FRAMES};
use spikegate_contract::frame::{open, seal, FrameError};

use crate::device::{Device, DeviceError, Wait};

/// Both directions of a device. Numbers begin at 0 with every reset of the core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// Whether packets travel in frames: a model in this process may do without.
    framed: bool,
    sent: u32,
    received: u32,
    /// Number that image 0 of the session has on the streams: another one in every session, so that a result of an
    /// earlier one is never taken for one of this.
    first_image: u32,
}

impl Link {
    /// The link to a device that has just been reset.
    pub fn new(device: &mut impl Device) -> Result<Self, DeviceError> {
        let features = device.read_csr(offset("features"))?;
        let framed = features & FEATURE_FRAMES != 0;
        let first_image = if framed { device.draw()? } else { 0 };
        Ok(Self { framed, sent: 0, received: 0, first_image })
    }

    /// Number on the streams of an image of the session.
    pub fn number(&self, image: u32) -> u32 {
        self.first_image.wrapping_add(image)
    }

    /// Whether packets travel in frames.
    pub fn is_framed(&self) -> bool {
        self.framed
    }

    /// To be called when the device was reset.
    pub fn restart(&mut self) {
        (self.sent, self.received) = (0, 0);
    }

    pub fn send<'a>(
        &mut self,
        device: &mut impl Device,
        packets: impl IntoIterator<Item = &'a Vec<u32>>,
    ) -> Result<(), DeviceError> {
        let packets = packets.into_iter();
        let frames: Vec<Vec<u32>> = if self.framed {
            packets.zip(self.sent..).map(|(packet, number)| seal(number, packet)).collect()
        } else {
            packets.cloned().collect()
        };
        self.sent = self.sent.wrapping_add(frames.len() as u32);
        device.send_all(&frames)
    }

    pub fn receive(
        &mut self,
        device: &mut impl Device,
        wait: &Wait,
    ) -> Result<Result<Vec<u32>, FrameError>, DeviceError> {
        let words = device.receive(wait)?;
        if !self.framed {
            return Ok(Ok(words));
        }
        let packet = open(self.received, &words).map(<[u32]>::to_vec);
        self.received = self.received.wrapping_add(u32::from(packet.is_ok()));
        Ok(packet)
    }
}
