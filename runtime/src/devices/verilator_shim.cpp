// Drives the Verilated accelerator: AXI4-Lite transactions and both AXI4-Streams run here, so that one call from
// Rust covers many cycles. Built with the model into one shared library; see verilator/library.rs for the other side.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "Vspikegate.h"
#include "verilated.h"
#include "verilated_syms.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
#endif

#if VM_TRACE_FST
// A waveform's writer does not look at what comes of its writes, and later maps into memory what it takes to be there.
// Therefore the linker sends them here, and one that fails leaves the writer.
struct WriteFailed {
    int error;
};

template <typename R>
static R checked(bool failed, R result) {
    if (failed) throw WriteFailed{errno ? errno : EIO};
    return result;
}

extern "C" {
size_t __real_fwrite(const void*, size_t, size_t, FILE*);
int __real_fputc(int, FILE*);
int __real_fflush(FILE*);
int __real_fclose(FILE*);
int __real_gzwrite(void*, const void*, unsigned);
int __real_gzclose(void*);

size_t __wrap_fwrite(const void* from, size_t size, size_t count, FILE* to) {
    const size_t done = __real_fwrite(from, size, count, to);
    return checked(done != count, done);
}
int __wrap_fputc(int byte, FILE* to) {
    const int done = __real_fputc(byte, to);
    return checked(done == EOF, done);
}
int __wrap_fflush(FILE* to) {
    const int done = __real_fflush(to);
    return checked(done != 0, done);
}
int __wrap_fclose(FILE* to) {
    // Also of a write that a seek had to do.
    const bool before = ferror(to);
    const int done = __real_fclose(to);
    return checked(before || done != 0, done);
}
int __wrap_gzwrite(void* to, const void* from, unsigned length) {
    const int done = __real_gzwrite(to, from, length);
    return checked(length && done <= 0, done);
}
int __wrap_gzclose(void* to) {
    const int done = __real_gzclose(to);
    return checked(done != 0, done);
}
}
#endif

// The library must never end the process: the model's own stops become an exception, and that an error code.
void vl_finish(const char*, int, const char*) VL_MT_UNSAFE { throw std::runtime_error("the Verilog called $finish"); }
void vl_stop(const char*, int, const char*) VL_MT_UNSAFE { throw std::runtime_error("the Verilog called $stop"); }
void vl_fatal(const char* file, int line, const char*, const char* message) VL_MT_UNSAFE {
    throw std::runtime_error(std::string(file ? file : "") + ":" + std::to_string(line) + ": " + message);
}

namespace {

enum Code : int32_t { OK = 0, TIMEOUT = 1, REFUSED = 2, FAILED = 3 };
enum Until : uint32_t { CYCLES = 0, PACKET = 1, SENT = 2 };

constexpr uint64_t TIME_PER_CYCLE = 10;
// AXI4's SLVERR.
constexpr uint32_t SLAVE_ERROR = 2;

// A valid or ready signal that is withheld in some cycles. 0 of 256: never.
struct Gap {
    uint64_t state = 0;
    uint32_t of256 = 0;
    bool now() {
        if (of256 == 0) return false;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return ((state >> 32) & 0xff) < of256;
    }
};

struct Word {
    uint32_t data;
    bool last;
};

// Words of a port, lowest first, whatever type Verilator gave it.
inline void put(uint32_t& port, const uint32_t* words) { port = words[0]; }
inline void put(uint64_t& port, const uint32_t* words) { port = uint64_t(words[1]) << 32 | words[0]; }
template <std::size_t N>
void put(VlWide<N>& port, const uint32_t* words) {
    for (std::size_t i = 0; i < N; ++i) port[i] = words[i];
}
inline void get(const uint32_t& port, uint32_t* words) { words[0] = port; }
inline void get(const uint64_t& port, uint32_t* words) {
    words[0] = uint32_t(port);
    words[1] = uint32_t(port >> 32);
}
template <std::size_t N>
void get(const VlWide<N>& port, uint32_t* words) {
    for (std::size_t i = 0; i < N; ++i) words[i] = port[i];
}

// When the external memory answers. Ideal: every request is taken at once, its first data come `latency` cycles later
// and then one transfer a cycle; a burst is written as it comes, and acknowledged `latency` cycles later.
struct MemoryTiming {
    uint64_t latency = 32;
    // Up to so many cycles more, by chance.
    uint64_t jitter = 0;
    // Bytes in 1,000 cycles, read and written together; 0 for a transfer of each channel in every cycle.
    uint64_t rate = 0;
};

// Transaction IDs, where the port has them: the call with an int prefers the first of each pair.
template <typename Top>
auto read_id(Top& top, int) -> decltype(uint32_t(top.m_axi_arid)) { return top.m_axi_arid; }
template <typename Top>
uint32_t read_id(Top&, long) { return 0; }
template <typename Top>
auto write_id(Top& top, int) -> decltype(uint32_t(top.m_axi_awid)) { return top.m_axi_awid; }
template <typename Top>
uint32_t write_id(Top&, long) { return 0; }
template <typename Top>
auto answer_read(Top& top, uint32_t id, int) -> decltype(void(top.m_axi_rid)) { top.m_axi_rid = id; }
template <typename Top>
void answer_read(Top&, uint32_t, long) {}
template <typename Top>
auto answer_write(Top& top, uint32_t id, int) -> decltype(void(top.m_axi_bid)) { top.m_axi_bid = id; }
template <typename Top>
void answer_write(Top&, uint32_t, long) {}

// A design without a memory port.
template <typename Top, typename = void>
struct Memory {
    MemoryTiming timing;
    Gap gap;
    uint64_t free_cycle = 0, free_part = 0;
    uint64_t refused_read = 0, refused_write = 0;
    void flip(uint32_t, uint32_t) {}
    void read(uint32_t, uint8_t* to, std::size_t length) { std::memset(to, 0, length); }
    void reset(Top&) {}
    void inputs(Top&, uint64_t) {}
    void outputs(Top&, uint64_t) {}
};

// AXI4 slave behind the memory port: incrementing bursts of full transfers, answered in order; those of different IDs, in
// a memory with gaps, in any order, transfer by transfer.
template <typename Top>
struct Memory<Top, std::void_t<decltype(std::declval<Top&>().m_axi_araddr)>> {
    static constexpr std::size_t BYTES = sizeof(std::declval<Top&>().m_axi_rdata);
    static constexpr std::size_t PAGE = 1 << 20;
    struct Burst {
        uint32_t address;
        uint32_t transfers;
        uint64_t due;
        uint64_t number;
    };
    struct Write {
        uint32_t address;
        uint32_t transfers;
        uint32_t id;
    };
    struct Data {
        std::array<uint32_t, BYTES / 4> words;
        bool last;
    };
    struct Acknowledgement {
        uint32_t id;
        uint64_t due;
    };
    MemoryTiming timing;
    Gap gap;
    std::unordered_map<uint32_t, std::vector<uint8_t>> pages;
    std::deque<Burst> reads[2];
    std::deque<Write> writes;
    std::deque<Data> write_data;
    std::deque<Acknowledgement> acknowledgements;
    uint32_t id = 0;
    uint64_t requests = 0;
    uint64_t chance = 1;
    bool read_last = false;
    // When the bandwidth allows the next transfer: a cycle, and so many `rate`ths of one.
    uint64_t free_cycle = 0, free_part = 0;
    // The transfer read, and the burst written, from now on that is answered with an error; 0 for none.
    uint64_t refused_read = 0, refused_write = 0;

    uint8_t* at(uint32_t address) {
        auto& page = pages[address / PAGE];
        if (page.empty()) page.resize(PAGE);
        return page.data() + address % PAGE;
    }
    void flip(uint32_t address, uint32_t bit) { *at(address) ^= uint8_t(1u << bit); }
    void read(uint32_t address, uint8_t* to, std::size_t length) {
        for (std::size_t i = 0; i < length; ++i) to[i] = *at(uint32_t(address + i));
    }
    void reset(Top& top) {
        for (auto& queue : reads) queue.clear();
        writes.clear();
        write_data.clear();
        acknowledgements.clear();
        top.m_axi_arready = top.m_axi_rvalid = top.m_axi_awready = top.m_axi_wready = top.m_axi_bvalid = 0;
    }
    uint64_t random() {
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        return chance >> 33;
    }
    bool due(uint32_t which, uint64_t cycle) const {
        return !reads[which].empty() && reads[which].front().due <= cycle;
    }
    // The ID whose burst gives the next transfer.
    uint32_t next(uint64_t cycle) {
        if (reads[0].empty() || reads[1].empty()) return reads[0].empty();
        if (gap.of256 && due(0, cycle) && due(1, cycle)) return random() & 1;
        return reads[1].front().number < reads[0].front().number;
    }
    // A transfer takes its share of the bandwidth; a bus that was idle has saved nothing up.
    void spend(uint64_t cycle) {
        if (cycle > free_cycle + (free_part ? 1 : 0)) free_cycle = cycle, free_part = 0;
        const uint64_t rate = timing.rate ? timing.rate : 1;
        free_part += timing.rate ? std::max<uint64_t>(1000 * BYTES, rate) : 1;
        free_cycle += free_part / rate;
        free_part %= rate;
    }
    // What the core sees in this cycle. Whether it writes does not depend on these inputs.
    void inputs(Top& top, uint64_t cycle) {
        top.m_axi_arready = !gap.now();
        top.m_axi_awready = !gap.now();
        top.m_axi_bvalid = !acknowledgements.empty() && acknowledgements.front().due <= cycle && !gap.now();
        if (top.m_axi_bvalid) answer_write(top, acknowledgements.front().id, 0);
        top.m_axi_bresp = refused_write == 1 ? SLAVE_ERROR : 0;
        top.m_axi_rresp = refused_read == 1 ? SLAVE_ERROR : 0;
        const bool free = cycle >= free_cycle + (free_part ? 1 : 0);
        id = next(cycle);
        bool reads_now = free && due(id, cycle), writes_now = true;
        if (timing.rate) {
            // Both share the bandwidth, in turns.
            writes_now = free && top.m_axi_wvalid && !(reads_now && !read_last);
            reads_now = reads_now && !writes_now;
        }
        top.m_axi_wready = writes_now && !gap.now();
        top.m_axi_rvalid = reads_now && !gap.now();
        if (!top.m_axi_rvalid) return;
        uint32_t words[BYTES / 4];
        std::memcpy(words, at(reads[id].front().address), BYTES);
        put(top.m_axi_rdata, words);
        answer_read(top, id, 0);
        top.m_axi_rlast = reads[id].front().transfers == 1;
    }
    // What the core did in this cycle.
    void outputs(Top& top, uint64_t cycle) {
        if (top.m_axi_rvalid && top.m_axi_rready) {
            Burst& read = reads[id].front();
            read.address += BYTES;
            if (refused_read > 0) --refused_read;
            if (--read.transfers == 0) reads[id].pop_front();
            spend(cycle);
            read_last = true;
        }
        if (top.m_axi_arvalid && top.m_axi_arready) {
            whole(top.m_axi_araddr, top.m_axi_arlen);
            const uint64_t late = timing.jitter ? random() % (timing.jitter + 1) : 0;
            reads[read_id(top, 0)].push_back(
                {top.m_axi_araddr, top.m_axi_arlen + 1u, cycle + timing.latency + late, requests++});
        }
        if (top.m_axi_bvalid && top.m_axi_bready) {
            acknowledgements.pop_front();
            if (refused_write > 0) --refused_write;
        }
        if (top.m_axi_awvalid && top.m_axi_awready) {
            whole(top.m_axi_awaddr, top.m_axi_awlen);
            writes.push_back({top.m_axi_awaddr, top.m_axi_awlen + 1u, write_id(top, 0)});
        }
        if (top.m_axi_wvalid && top.m_axi_wready) {
            write_data.emplace_back();
            get(top.m_axi_wdata, write_data.back().words.data());
            write_data.back().last = top.m_axi_wlast;
            if (timing.rate) spend(cycle);
            read_last = false;
        }
        while (!writes.empty() && !write_data.empty()) {
            Write& write = writes.front();
            std::memcpy(at(write.address), write_data.front().words.data(), BYTES);
            write.address += BYTES;
            if (write_data.front().last != (--write.transfers == 0))
                throw std::runtime_error("the last transfer of a write burst is not marked, or another is");
            write_data.pop_front();
            if (write.transfers > 0) continue;
            acknowledgements.push_back({write.id, cycle + std::max<uint64_t>(timing.latency, 1)});
            writes.pop_front();
        }
    }
    static void whole(uint32_t address, uint32_t length) {
        if ((address & 4095) + (length + 1) * BYTES > 4096)
            throw std::runtime_error("a burst crosses a 4 KiB boundary");
    }
};

// A memory or register that the build keeps by name: words of so many bits, one behind the other.
struct Kept {
    std::string name;
    uint8_t* data;
    uint32_t words, bits, word_bytes;
};

struct Core {
    VerilatedContext context;
    Vspikegate top;
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> wave;
    // Why it is not complete.
    int wave_error = 0;
#endif
    std::deque<Word> to_send;
    std::vector<uint32_t> packet;
    std::deque<std::vector<uint32_t>> packets;
    Gap gap_in, gap_out;
    Memory<Vspikegate> memory;
    uint64_t cycles = 0;
    std::string message;
    std::vector<Kept> kept;
    // Set for good by an exception: the model is then in no defined state.
    bool failed = false;
    // Handshakes of the cycle that the last tick simulated.
    bool aw = false, w = false, b = false, ar = false, r = false;
    uint32_t rdata = 0, response = 0;

    Core() : top(&context, "spikegate") {
#if VM_TRACE_FST
        context.traceEverOn(true);
#endif
        top.clk = 0;
        top.rst = 0;
        top.s_axil_wstrb = 0xf;
        quiet();
        find_kept();
    }
    ~Core() {
        try {
            stop_wave();
            top.final();
        } catch (...) {
        }
    }

    void find_kept() {
        for (const auto& scope : *context.scopeNameMap()) {
            const VerilatedVarNameMap* const all = scope.second->varsp();
            if (!all) continue;
            for (const auto& named : *all) {
                const VerilatedVar& var = named.second;
                kept.push_back({std::string(scope.first) + "." + named.first, static_cast<uint8_t*>(var.datap()),
                                static_cast<uint32_t>(var.udims() ? var.elements(1) : 1),
                                static_cast<uint32_t>(var.packed().elements()), var.entSize()});
            }
        }
    }

    void quiet() {
        top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 0;
        top.s_axil_arvalid = top.s_axil_rready = 0;
        top.s_axis_tvalid = 0;
        top.m_axis_tready = 0;
    }

#if VM_TRACE_FST
    // Whether `f` could write to the waveform. If not there is no writer any more: in the middle of a write it cannot even
    // be deleted.
    template <typename F>
    bool written(F f) {
        try {
            f();
            return true;
        } catch (const WriteFailed& failed) {
            wave_error = failed.error;
            static_cast<void>(wave.release());
            return false;
        }
    }
#endif

    void sample() {
#if VM_TRACE_FST
        if (wave) written([&] { wave->dump(cycles * TIME_PER_CYCLE + (top.clk ? TIME_PER_CYCLE / 2 : 0)); });
#endif
    }

    // One clock cycle: inputs, then outputs as they stand before the rising edge, then the edge.
    void tick() {
        if (!top.s_axis_tvalid && !to_send.empty() && !gap_in.now()) {
            top.s_axis_tvalid = 1;
            top.s_axis_tdata = to_send.front().data;
            top.s_axis_tlast = to_send.front().last;
        }
        top.m_axis_tready = !gap_out.now();
        memory.inputs(top, cycles);
        top.clk = 0;
        top.eval();
        sample();
        const bool sent = top.s_axis_tvalid && top.s_axis_tready;
        const bool got = top.m_axis_tvalid && top.m_axis_tready;
        const uint32_t word = top.m_axis_tdata;
        const bool last = top.m_axis_tlast;
        aw = top.s_axil_awvalid && top.s_axil_awready;
        w = top.s_axil_wvalid && top.s_axil_wready;
        b = top.s_axil_bvalid && top.s_axil_bready;
        ar = top.s_axil_arvalid && top.s_axil_arready;
        r = top.s_axil_rvalid && top.s_axil_rready;
        if (b) response = top.s_axil_bresp;
        if (r) {
            response = top.s_axil_rresp;
            rdata = top.s_axil_rdata;
        }
        memory.outputs(top, cycles);
        top.clk = 1;
        top.eval();
        sample();
        ++cycles;
        if (sent) {
            to_send.pop_front();
            top.s_axis_tvalid = 0;
        }
        if (got) {
            packet.push_back(word);
            if (last) {
                packets.push_back(std::move(packet));
                packet.clear();
            }
        }
    }

    void reset(uint32_t length) {
        quiet();
        to_send.clear();
        packet.clear();
        packets.clear();
        memory.reset(top);
        top.rst = 1;
        for (uint32_t i = 0; i < length; ++i) {
            quiet();
            top.clk = 0;
            top.eval();
            sample();
            top.clk = 1;
            top.eval();
            sample();
            ++cycles;
        }
        top.rst = 0;
    }

    Code write(uint32_t address, uint32_t value, uint64_t most) {
        top.s_axil_awaddr = address;
        top.s_axil_wdata = value;
        top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 1;
        for (uint64_t i = 0; i < most; ++i) {
            tick();
            if (aw) top.s_axil_awvalid = 0;
            if (w) top.s_axil_wvalid = 0;
            if (b) {
                top.s_axil_bready = 0;
                return response == 0 ? OK : REFUSED;
            }
        }
        top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 0;
        return TIMEOUT;
    }

    Code read(uint32_t address, uint32_t* value, uint64_t most) {
        top.s_axil_araddr = address;
        top.s_axil_arvalid = top.s_axil_rready = 1;
        for (uint64_t i = 0; i < most; ++i) {
            tick();
            if (ar) top.s_axil_arvalid = 0;
            if (r) {
                top.s_axil_rready = 0;
                *value = rdata;
                return response == 0 ? OK : REFUSED;
            }
        }
        top.s_axil_arvalid = top.s_axil_rready = 0;
        return TIMEOUT;
    }

    Code run(uint64_t most, Until until) {
        for (uint64_t i = 0;; ++i) {
            if (until == PACKET && !packets.empty()) return OK;
            if (until == SENT && to_send.empty()) return OK;
            if (i == most) return until == CYCLES ? OK : TIMEOUT;
            tick();
        }
    }

    bool start_wave(const char* path) {
#if VM_TRACE_FST
        stop_wave();
        wave = std::make_unique<VerilatedFstC>();
        top.trace(wave.get(), 99);
        if (!written([&] { wave->open(path); })) {
            message = std::strerror(wave_error);
            wave_error = 0;
            return false;
        }
        if (!wave->isOpen()) {
            wave.reset();
            message = "the file cannot be created";
            return false;
        }
        return true;
#else
        (void)path;
        message = "built without waveforms";
        return false;
#endif
    }

    // Whether all of it is written.
    bool stop_wave() {
#if VM_TRACE_FST
        if (wave) written([&] { wave->close(); });
        wave.reset();
        if (wave_error) {
            message = std::strerror(wave_error);
            wave_error = 0;
            return false;
        }
#endif
        return true;
    }
};

// Runs `f`; an exception becomes FAILED with its message.
template <typename F>
int32_t guarded(Core* core, F f) {
    if (core->failed) return FAILED;
    try {
        return f();
    } catch (const std::exception& e) {
        core->message = e.what();
    } catch (...) {
        core->message = "unknown exception";
    }
    core->failed = true;
    return FAILED;
}

}  // namespace

extern "C" {

Core* sg_new() {
    try {
        return new Core();
    } catch (...) {
        return nullptr;
    }
}

void sg_delete(Core* core) {
    try {
        delete core;
    } catch (...) {
    }
}

int32_t sg_reset(Core* core, uint32_t length) {
    return guarded(core, [&] {
        core->reset(length);
        return OK;
    });
}

void sg_gaps(Core* core, uint64_t seed, uint32_t input, uint32_t output) {
    core->gap_in = {seed * 2 + 1, input};
    core->gap_out = {~seed | 1, output};
}

void sg_memory(Core* core, uint64_t seed, uint64_t latency, uint64_t jitter, uint64_t rate, uint32_t gaps) {
    core->memory.timing = {latency, jitter, rate};
    core->memory.free_cycle = core->memory.free_part = 0;
    core->memory.gap = {seed * 2 + 1, gaps};
}

void sg_memory_refuse(Core* core, uint64_t read, uint64_t write) {
    core->memory.refused_read = read;
    core->memory.refused_write = write;
}

// Inverts one bit of a byte of the external memory.
void sg_memory_flip(Core* core, uint32_t address, uint32_t bit) { core->memory.flip(address, bit); }

// Bytes of the external memory from an address on.
void sg_memory_read(Core* core, uint32_t address, uint8_t* to, size_t length) {
    core->memory.read(address, to, length);
}

void sg_send(Core* core, const uint32_t* words, size_t length) {
    for (size_t i = 0; i < length; ++i) core->to_send.push_back({words[i], i + 1 == length});
}

size_t sg_unsent(const Core* core) { return core->to_send.size(); }

int32_t sg_run(Core* core, uint64_t most, uint32_t until) {
    return guarded(core, [&] { return core->run(most, static_cast<Until>(until)); });
}

// Words of the oldest complete packet, 0 where there is none.
size_t sg_packet_length(const Core* core) { return core->packets.empty() ? 0 : core->packets.front().size(); }

// Words of the packet that is not complete yet.
size_t sg_partial_length(const Core* core) { return core->packet.size(); }

// Moves the oldest complete packet to `words`, which holds sg_packet_length words.
void sg_packet_take(Core* core, uint32_t* words) {
    if (core->packets.empty()) return;
    for (const uint32_t word : core->packets.front()) *words++ = word;
    core->packets.pop_front();
}

int32_t sg_csr_write(Core* core, uint32_t address, uint32_t value, uint64_t most) {
    return guarded(core, [&] { return core->write(address, value, most); });
}

int32_t sg_csr_read(Core* core, uint32_t address, uint32_t* value, uint64_t most) {
    return guarded(core, [&] { return core->read(address, value, most); });
}

// Memories and registers that can be disturbed: what the build keeps by name.
size_t sg_kept_count(const Core* core) { return core->kept.size(); }

const char* sg_kept_name(const Core* core, size_t which) { return core->kept[which].name.c_str(); }

uint32_t sg_kept_words(const Core* core, size_t which) { return core->kept[which].words; }

uint32_t sg_kept_bits(const Core* core, size_t which) { return core->kept[which].bits; }

// Inverts one bit.
void sg_kept_flip(Core* core, size_t which, uint32_t word, uint32_t bit) {
    Kept& kept = core->kept[which];
    kept.data[std::size_t(word) * kept.word_bytes + bit / 8] ^= uint8_t(1u << bit % 8);
}

uint64_t sg_cycles(const Core* core) { return core->cycles; }

uint32_t sg_irq(const Core* core) { return core->top.irq; }

int32_t sg_wave_start(Core* core, const char* path) {
    return guarded(core, [&] { return core->start_wave(path) ? OK : FAILED; });
}

int32_t sg_wave_stop(Core* core) {
    return guarded(core, [&] { return core->stop_wave() ? OK : REFUSED; });
}

const char* sg_message(const Core* core) { return core->message.c_str(); }

}  // extern "C"
