"""Faults put into the emitted Verilog, each of which the bench must find, by the rule that it breaks."""

import re

import designs
import structure

# The order in which reads were asked for, instead of the ID of their answers.
IN_ORDER = """reg [63:0] asked = 64'd0;
  reg [6:0] left = 7'd0;
  wire push = m_axi_arvalid & m_axi_arready, pop = m_axi_rvalid & m_axi_rlast;
  always @(posedge clk) begin
    asked <= (pop ? asked >> 1 : asked) | ({63'd0, push & m_axi_arid} << (pop ? left - 7'd1 : left));
    left <= left + {6'd0, push} - {6'd0, pop};
  end
  assign is_map_0 = asked[0];"""
ODD = "reg odd = 1'b0;\n  always @(posedge clk) odd <= !odd;\n  "

# Name; form, module and tests; what is replaced, once in the whole text; by what; how it is found.
FAULTS = [
    ("word withdrawn", "resident", "test_core", "images.*random",
     "assign offer = valid | closing;", f"{ODD}assign offer = (valid | closing) & !odd;", "m_axis: VALID went away"),
    ("word changed", "resident", "test_core", "images.*random",
     "assign m_axis_tdata = value;", f"{ODD}assign m_axis_tdata = m_axis_tready ? value : value ^ {{32{{odd}}}};",
     "m_axis: the payload changed"),
    ("answer withdrawn", "resident", "test_core", "registers.*random",
     "assign s_axil_bvalid = response__q[0];", f"{ODD}assign s_axil_bvalid = response__q[0] & !odd;",
     "s_axil b: VALID went away"),
    ("answer unasked", "resident", "test_core", "registers.*none",
     "assign s_axil_rvalid = read_valid__q[0];", "assign s_axil_rvalid = read_valid__q[0] | write_address_held__q[0];",
     "RVALID before the read"),
    ("unmapped answered OKAY", "resident", "test_core", "registers.*none",
     "assign s_axil_rresp = read_code__q;", "assign s_axil_rresp = 2'd0;", "answer to a read at 0x60"),
    ("strobes ignored", "resident", "test_core", "registers.*none",
     "assign keep = ~write_mask__q;", "assign keep = 32'd0;", "strobed bytes"),
    ("neurons without a leak", "resident", "test_core", "images.*none",
     "$signed(u >>> leak_shift)", "$signed(u)", "image 0: (class|logits)"),
    ("undefined pin", "spill", "test_core", "images.*none",
     "assign m_axi_awprot_0 = protection;", "assign m_axi_awprot_0 = 3'bx;", "m_axi aw: m_axi_awprot is X"),
    ("4 KiB crossed", "spill", "test_core", "images.*none",
     "assign ar_address = next_address__q;", "assign ar_address = next_address__q | 32'hff8;", "a burst crosses 4 KiB"),
    ("WLAST early", "spill", "test_core", "images.*none",
     "spill_0__busy ? spill_0__w_last :", "spill_0__busy ? 1'b1 :", "WLAST is not the last"),
    ("byte not written", "spill", "test_core", "images.*none",
     "assign m_axi_wstrb_0 = all_bytes;", "assign m_axi_wstrb_0 = all_bytes >> 1;", "a byte is not written"),
    ("read before the write's answer", "spill", "test_core", "images.*bursty",
     "    b_valid ? acknowledged__q + {23'd0, one} :", "    moves && burst_leaves ? acknowledged__q + {23'd0, one} :",
     "m_axi ar: over a write under way"),
    ("IDs ignored", "spill", "test_core", "shuffled",
     "assign is_map_0 = m_axi_rid_0[0];", IN_ORDER, "image 0: (class|logits)|Timeout"),
    ("refused weights unseen", "spill", "test_errors", "SLVERR",
     "((store_0__error | fetch_0__error) | spill_0__error)", "(store_0__error | spill_0__error)",
     "weights: no error is reported"),
    ("refused write of maps unseen", "spill", "test_errors", "SLVERR",
     "((store_0__error | fetch_0__error) | spill_0__error)", "(store_0__error | fetch_0__error)",
     "maps, written: no error"),
    ("DECERR taken for OKAY", "spill", "test_errors", "DECERR",
     "assign m_axi_rresp_0 = m_axi_rresp;", "assign m_axi_rresp_0 = &m_axi_rresp ? 2'd0 : m_axi_rresp;",
     "weights: no error is reported"),
    ("READY waits for VALID", "resident", None, None,
     "= receiver__s_axis_tready;", "= receiver__s_axis_tready & s_axis_tvalid;",
     "s_axis_tready depends on s_axis_tvalid"),
]


def found(options, work, simulation, fault):
    """What found the fault, or nothing."""
    name, form, module, tests, old, new, _ = fault
    told = designs.emit(options.spikegate, work, form)
    text, top = designs.verilog(told)
    if text.count(old) != 1:
        raise designs.Failed(f"fault {name}: {text.count(old)} places for it, expected 1")
    text = text.replace(old, new)
    if module is None:
        return structure.check(text, top, work / "netlist" / "fault")[0]
    return simulation(work, f"fault {name}", text, top).test(module, tests, form, told, 1)[1]


def run(options, work, simulation):
    """Puts in each fault; those that are not found."""
    missed = []
    chosen = [fault for fault in FAULTS if not options.faults or fault[0] in options.faults]
    for fault in chosen:
        name, how = fault[0], fault[-1]
        if fault[2] is None and structure.tool() is None:
            print(f"SKIPPED: fault {name}, Yosys is not installed")
            continue
        why = found(options, work, simulation, fault)
        right = bool(why) and re.search(how, why)
        print(f"{'found' if right else 'MISSED'}: {name}: {why}", flush=True)
        if not right:
            missed.append(f"fault {name}, to be found by '{how}'")
    print(f"{len(chosen) - len(missed)} of {len(chosen)} faults found")
    return missed if chosen else ["no such fault"]
