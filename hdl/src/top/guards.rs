//! Words that are not what was written, in the memories of the core and outside.

use super::{Accelerator, Guards};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Guards> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        for p in 0..self.csr.parity_error.count() {
            self.csr.parity_error[p].next = self.datapath.wrong[p].val()
                | self.sequencer.wrong[p].val()
                | self.globals.wrong[p].val()
                | self.logits.wrong[p].val()
                | self.sender.wrong[p].val();
            self.logits.used[p].next = self.sender.logit_used[p].val();
            self.datapath.words_read[p].next = self.sender.word_used[p].val();
            for q in 0..self.mover.count() {
                if self.mover[q].words_taken[p].val() {
                    self.datapath.words_read[p].next = true;
                }
            }
            for q in 0..self.spill.count() {
                if self.spill[q].wrong[p].val() | self.reload[q].wrong[p].val() {
                    self.csr.parity_error[p].next = true;
                }
            }
        }
        for p in 0..self.balance.count() {
            self.balance[p].clk.next = self.clk.val();
            self.balance[p].clear.next = self.clear.val();
            self.balance[p].program.next = self.csr.program.val();
            // While a program is declared what is stored is an image.
            self.balance[p].stores.next = self.store[p].write.val() & !self.csr.program.val();
            self.balance[p].begin.next = self.sequencer.first.val();
            self.balance[p].reads.next = self.fetch[p].write.val();
            self.balance[p].writes.next = false;
            for k in 0..self._fill_words {
                self.balance[p].stored[k].next = self.loader.word[k].val();
                self.balance[p].read[k].next = self.m_axi_rdata[k].val();
                self.balance[p].written[k].next = 0.into();
            }
            for q in 0..self.spill.count() {
                if self.reload[q].counts[p].val() {
                    self.balance[p].reads.next = true;
                }
                self.balance[p].writes.next = self.spill[q].counts[p].val();
                for k in 0..self._fill_words {
                    self.balance[p].written[k].next = self.spill[q].w_data[k].val();
                }
            }
            for q in 0..self.mover.count() {
                self.balance[p].image[q].next = self.loader.image_outside[p].val();
                self.balance[p].image_stores[q].next = self.store[p].write.val() & self.csr.program.val();
                if self.mover[q].read_counts[p].val() {
                    self.balance[p].reads.next = true;
                }
                if self.mover[q].write_counts[p].val() {
                    self.balance[p].writes.next = true;
                }
                if self.mover[q].writes.val() {
                    for k in 0..self._fill_words {
                        self.balance[p].written[k].next = self.mover[q].word[k].val();
                    }
                }
            }
            // With the result, of a batch with the last one.
            self.balance[p].complete.next =
                self.sequencer.start_finish.val() & (self.decode.images.val() == self.no_more[p].val());
            if self.balance[p].wrong.val() {
                self.csr.parity_error[p].next = true;
            }
        }
    }
}
