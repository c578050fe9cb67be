// A stand-in for the accelerator: its ports, registers and packets, but a result that is only a checksum.
//
// An image is answered by: class = sum % 3, logits {sum, -1, sequence}, cycles {7, words taken}, where sum adds all
// pixel words. Packets of other types than load and image set error bit 0. A load of target 7 makes it deaf.
module spikegate (
    input wire clk,
    input wire rst,
    input wire [7:0] s_axil_awaddr,
    input wire s_axil_awvalid,
    output wire s_axil_awready,
    input wire [31:0] s_axil_wdata,
    input wire [3:0] s_axil_wstrb,
    input wire s_axil_wvalid,
    output wire s_axil_wready,
    output wire [1:0] s_axil_bresp,
    output reg s_axil_bvalid,
    input wire s_axil_bready,
    input wire [7:0] s_axil_araddr,
    input wire s_axil_arvalid,
    output wire s_axil_arready,
    output reg [31:0] s_axil_rdata,
    output wire [1:0] s_axil_rresp,
    output reg s_axil_rvalid,
    input wire s_axil_rready,
    input wire [31:0] s_axis_tdata,
    input wire s_axis_tvalid,
    input wire s_axis_tlast,
    output wire s_axis_tready,
    output reg [31:0] m_axis_tdata,
    output wire m_axis_tvalid,
    output wire m_axis_tlast,
    input wire m_axis_tready,
    output wire irq
);
    // Registers. Address 0xf0 answers with an error, address 0xf4 never.
    reg [31:0] scratch, program_hash, watchdog_limit;
    reg error, irq_enable, irq_status;
    reg [31:0] images;
    reg [7:0] read_address;
    wire write = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid && s_axil_awaddr != 8'hf4;
    wire read = s_axil_arvalid && !s_axil_rvalid && s_axil_araddr != 8'hf4;
    assign s_axil_awready = write;
    assign s_axil_wready = write;
    assign s_axil_arready = read;
    assign s_axil_bresp = 2'd0;
    assign s_axil_rresp = read_address == 8'hf0 ? 2'd2 : 2'd0;
    assign irq = irq_enable && irq_status;

    reg [2:0] state;
    localparam HEADER = 0, SEQUENCE = 1, PIXELS = 2, SKIP = 3, WAIT = 4, SEND = 5, DEAF = 6;
    reg [31:0] sequence_number, sum, words;
    reg [3:0] index;
    wire take = s_axis_tvalid && s_axis_tready;
    assign s_axis_tready = state < WAIT;
    assign m_axis_tvalid = state == SEND;
    assign m_axis_tlast = index == 9;

    always @(*) case (index)
        0: m_axis_tdata = 32'h81000009;
        1: m_axis_tdata = sequence_number;
        2: m_axis_tdata = sum % 3;
        3: m_axis_tdata = 3;
        4: m_axis_tdata = sum;
        5: m_axis_tdata = 32'hffffffff;
        6: m_axis_tdata = sequence_number;
        7: m_axis_tdata = 2;
        8: m_axis_tdata = 7;
        default: m_axis_tdata = words;
    endcase

    always @(posedge clk) begin
        if (write) begin
            s_axil_bvalid <= 1;
            case (s_axil_awaddr)
                8'h18: scratch <= s_axil_wdata;
                8'h24: error <= error && !s_axil_wdata[0];
                8'h28: program_hash <= s_axil_wdata;
                8'h58: watchdog_limit <= s_axil_wdata;
                8'h2c: irq_enable <= s_axil_wdata[0];
                8'h30: irq_status <= irq_status && !s_axil_wdata[0];
                default: ;
            endcase
        end else if (s_axil_bready) s_axil_bvalid <= 0;
        if (read) begin
            s_axil_rvalid <= 1;
            read_address <= s_axil_araddr;
            case (s_axil_araddr)
                8'h00: s_axil_rdata <= 32'h53474143;
                8'h04: s_axil_rdata <= 3;
                8'h08: s_axil_rdata <= 32'h08080104;
                8'h0c: s_axil_rdata <= 2;
                8'h10: s_axil_rdata <= 32'hce0deb0b; // of the design in support
                8'h14: s_axil_rdata <= 32'hb111d000;
                8'h18: s_axil_rdata <= scratch;
                8'h20: s_axil_rdata <= {31'd0, state != HEADER};
                8'h24: s_axil_rdata <= {31'd0, error};
                8'h28: s_axil_rdata <= program_hash;
                8'h58: s_axil_rdata <= watchdog_limit;
                8'h30: s_axil_rdata <= {31'd0, irq_status};
                8'h34: s_axil_rdata <= images;
                default: s_axil_rdata <= 0;
            endcase
        end else if (s_axil_rready) s_axil_rvalid <= 0;

        case (state)
            HEADER: if (take) begin
                words <= 1;
                sum <= 0;
                if (s_axis_tdata[31:24] == 8'h02) state <= SEQUENCE;
                else if (s_axis_tdata[31:16] == 16'h0107) state <= DEAF;
                else begin
                    error <= error || s_axis_tdata[31:24] != 8'h01;
                    state <= s_axis_tlast ? HEADER : SKIP;
                end
            end
            SEQUENCE: if (take) begin
                words <= words + 1;
                sequence_number <= s_axis_tdata;
                state <= PIXELS;
            end
            PIXELS: if (take) begin
                words <= words + 1;
                sum <= sum + s_axis_tdata;
                if (s_axis_tlast) begin
                    state <= WAIT;
                    index <= 0;
                end
            end
            SKIP: if (take && s_axis_tlast) state <= HEADER;
            WAIT: begin
                index <= index + 1;
                if (index == 15) begin
                    index <= 0;
                    state <= SEND;
                end
            end
            SEND: if (m_axis_tready) begin
                index <= index + 1;
                if (index == 9) begin
                    state <= HEADER;
                    images <= images + 1;
                    irq_status <= 1;
                end
            end
            default: ;
        endcase
        if (rst) begin
            s_axil_bvalid <= 0;
            s_axil_rvalid <= 0;
            scratch <= 0;
            program_hash <= 0;
            watchdog_limit <= 0;
            error <= 0;
            irq_enable <= 0;
            irq_status <= 0;
            images <= 0;
            state <= HEADER;
        end
    end
endmodule
