//! Maps on their way between the slots and the external memory.

use super::{Datapath, Moving};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Moving> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        for p in 0..self.moves.count() {
            self.moves_codes[p].next =
                self.moves[p].fills.val() & (self.decode.source.val() == self.source_codes[p].val());
            self.moves_spikes[p].next =
                self.moves[p].fill.val() & (self.decode.source.val() == self.source_spikes[p].val());
            self.moves_streams[p].next =
                self.moves[p].fill.val() & (self.decode.source.val() == self.source_stream.val());
            self.scatter[p].signed.next = self.decode.signed.val().get_bit(0);
            for k in 0..self._fill_words {
                self.scatter[p].word[k].next = self.moves[p].data[k].val();
                self.moves[p].word[k].next = self.gather[p].word[k].val();
            }

            // Inward. Codes and spikes of all slots of a transfer at once; the patch writer waits for codes.
            for n in self._code_slots..self._code_slots_end {
                for k in 0..self._code_parts {
                    for i in 0..self._code_slots {
                        if self.moves_codes[p].val() {
                            self.slot[k * n + i].patch_write.next =
                                self.moves[p].fill.val() & (self.moves[p].transfer.val() == k.into());
                            self.slot[k * n + i].code_write_address.next = self.moves[p].address.val();
                            self.slot[k * n + i].code_data.next = self.scatter[p].code[i].val();
                        }
                    }
                }
            }
            if self.moves_codes[p].val() {
                self.patch_grant.next = false;
            }
            for n in self._spike_slots..self._spike_slots_end {
                for k in 0..self._spike_parts {
                    for i in 0..self._spike_slots {
                        self.slot[k * n + i].spike_moved[p].next =
                            self.moves_spikes[p].val() & (self.moves[p].transfer.val() == k.into());
                        if self.moves[p].fills.val() {
                            self.slot[k * n + i].spike_write_address.next = self.moves[p].address.val();
                            self.slot[k * n + i].spike_data.next = self.scatter[p].spikes[i].val();
                        }
                    }
                }
            }

            // Streams over the buses of the post lanes, a row of slots or a share of one.
            self.moved_row[p].next = self.moves[p].transfer.val() >> self.share_bits[p].val();
            self.moved_share[p].next = self.moves[p].transfer.val() & self.share_mask[p].val();
            for n in self._lanes..self._lanes_end {
                for r in 0..self._posts {
                    for l in 0..self._lanes {
                        self.stream_bus[r * n + l].next = self.lane[r].stream[l].val();
                        if self.decode.count.val().get_bit(0) {
                            self.stream_bus[r * n + l].next = 0.into();
                        }
                    }
                    if self.decode.count.val().get_bit(0) {
                        self.stream_bus[r * n].next = self.lane[r].count.val();
                    }
                }
                for v in self._stream_values..self._stream_values_end {
                    for j in 0..self._shares {
                        for i in 0..self._stream_values {
                            if self.moves[p].fills.val() {
                                self.stream_bus[j * v + i].next = self.scatter[p].stream[i].val();
                            }
                        }
                    }
                }
                for m in self._posts..self._posts_end {
                    for t in self._stream_slots..self._stream_slots_end {
                        for k in 0..self._rows {
                            for r in 0..self._posts {
                                for l in 0..self._lanes {
                                    self.slot[k * m + r].stream_data[l].next =
                                        self.stream_bus[r * n + l].val();
                                }
                                if self.moves[p].fills.val() {
                                    self.slot[k * m + r].write_row.next = self.moved_row[p].val();
                                    self.slot[k * m + r].stream_write_address.next =
                                        self.moves[p].address.val();
                                }
                            }
                            for j in 0..self._shares {
                                for i in 0..self._stream_slots {
                                    if self.moves[p].fills.val() {
                                        self.slot[k * m + j * t + i].stream_write.next =
                                            self.moves_streams[p].val()
                                                & (self.moved_share[p].val() == j.into());
                                    }
                                }
                            }
                        }
                    }
                }
            }

            // Outward.
            self.gather[p].source.next = self.decode.source.val();
            self.gather[p].transfer.next = self.moves[p].shown.val();
            for i in 0..self._slots {
                self.gather[p].code[i].next = self.slot[i].code_word.val();
                self.gather[p].spikes[i].next = self.slot[i].spike_word.val();
            }
            for n in self._lanes..self._lanes_end {
                for r in 0..self._posts {
                    for l in 0..self._lanes {
                        self.gather[p].stream[r * n + l].next = self.choose_stream[r * n + l].y.val();
                    }
                }
            }
        }
    }
}
