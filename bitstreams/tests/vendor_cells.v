// The vendor's cells as black boxes, with the ports that the tops use. LANES and BITS come from the board.
(* blackbox *) module IBUFDS_GTE2 (input I, input IB, input CEB, output O, output ODIV2); endmodule
(* blackbox *) module IBUFDS_GTE3 #(parameter REFCLK_HROW_CK_SEL = 0) (input I, input IB, input CEB, output O, output ODIV2); endmodule
(* blackbox *) module IBUFDS_GTE4 #(parameter REFCLK_HROW_CK_SEL = 0) (input I, input IB, input CEB, output O, output ODIV2); endmodule
(* blackbox *) module xdma_0 (
  input sys_clk, input sys_clk_gt, input sys_rst_n, output user_lnk_up,
  input [`LANES-1:0] pci_exp_rxp, input [`LANES-1:0] pci_exp_rxn,
  output [`LANES-1:0] pci_exp_txp, output [`LANES-1:0] pci_exp_txn,
  output axi_aclk, output axi_aresetn, input [0:0] usr_irq_req, output [0:0] usr_irq_ack,
  output [31:0] m_axil_awaddr, output [2:0] m_axil_awprot, output m_axil_awvalid, input m_axil_awready,
  output [31:0] m_axil_wdata, output [3:0] m_axil_wstrb, output m_axil_wvalid, input m_axil_wready,
  input m_axil_bvalid, input [1:0] m_axil_bresp, output m_axil_bready,
  output [31:0] m_axil_araddr, output [2:0] m_axil_arprot, output m_axil_arvalid, input m_axil_arready,
  input [31:0] m_axil_rdata, input [1:0] m_axil_rresp, input m_axil_rvalid, output m_axil_rready,
  output [`BITS-1:0] m_axis_h2c_tdata_0, output [`BITS/8-1:0] m_axis_h2c_tkeep_0, output m_axis_h2c_tlast_0,
  output m_axis_h2c_tvalid_0, input m_axis_h2c_tready_0,
  input [`BITS-1:0] s_axis_c2h_tdata_0, input [`BITS/8-1:0] s_axis_c2h_tkeep_0, input s_axis_c2h_tlast_0,
  input s_axis_c2h_tvalid_0, output s_axis_c2h_tready_0
); endmodule
