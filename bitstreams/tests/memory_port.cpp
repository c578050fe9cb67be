// Traffic at the port of a board's memory: everything that was written is read, and how long that takes.
//
// memory_port SEED RATIO TRAFFIC...: prints lines "NAME VALUE": the constants that a board's file says of its memory, and the cycles
// of each file TRAFFIC of lines "r ADDRESS TRANSFERS" and "w ADDRESS TRANSFERS". RATIO is the memory's clock over the core's, where
// these are two, and 0 where they are one; only there the constants are measured.
#include "Vmemory_port.h"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <verilated.h>
#include <vector>

static const unsigned BYTES = PORT_BITS / 8, BURST = 8, AHEAD = 16;
static Vmemory_port* top;
static std::mt19937_64 random_number;
static uint64_t cycle = 0;

// Levels of the clocks, which their generators ask for at every change of the oscillator's pin.
static bool core_level, memory_level;
extern "C" int core_clock() { return core_level; }
extern "C" int memory_clock() { return memory_level; }
static double ratio, core_edges, memory_edges;

static void turn(bool& level) {
  level = !level;
  top->clock = !top->clock;
  top->eval();
}

// An edge of the core's clock, and those of the memory's until the next one.
static void edge() {
  turn(core_level);
  for (core_edges++; (memory_edges + 0.6) < core_edges * ratio; memory_edges++) turn(memory_level);
}

// What the core sees before an edge, and the cycle behind it.
static void settle() { top->eval(); }
static void pulse() { edge(), edge(); }

struct Burst {
  uint32_t address;
  bool write;
  unsigned transfers = BURST;
};
struct Read {
  uint32_t address;
  unsigned transfers, got;
};
// Cycles in which something happened.
struct Times {
  std::vector<uint64_t> asked, read, sent, acknowledged;
};

static std::vector<uint8_t> memory;

// Carries bursts out in their order, up to AHEAD of a kind under way at a time; all data must be those of `memory`.
static Times run(const std::vector<Burst>& bursts) {
  Times times;
  std::deque<Burst> waiting(bursts.begin(), bursts.end()), writes;
  std::deque<Read> reads;
  unsigned sent = 0, unacknowledged = 0;
  uint64_t idle = 0;
  while (!waiting.empty() || !reads.empty() || !writes.empty() || unacknowledged > 0) {
    if (idle++ > 10000) printf("nothing moves\n"), exit(1);
    const bool read = !waiting.empty() && !waiting.front().write && reads.size() < AHEAD;
    const bool write = !waiting.empty() && waiting.front().write && writes.size() + unacknowledged < AHEAD;
    top->arvalid = read;
    top->araddr = read ? waiting.front().address : 0;
    top->arlen = read ? waiting.front().transfers - 1 : 0;
    top->awvalid = write;
    top->awaddr = write ? waiting.front().address : 0;
    top->awlen = write ? waiting.front().transfers - 1 : 0;
    top->wvalid = !writes.empty();
    top->wlast = !writes.empty() && sent == writes.front().transfers - 1;
    if (!writes.empty()) memcpy(&top->wdata, &memory[writes.front().address + sent * BYTES], BYTES);
    settle();
    const bool asked = read && top->arready, taken = write && top->awready, moved = !writes.empty() && top->wready;
    if (top->rvalid) {
      idle = 0;
      if (reads.empty()) printf("an answer that nobody waits for\n"), exit(1);
      Read& r = reads.front();
      times.read.push_back(cycle);
      if (memcmp(&top->rdata, &memory[r.address + r.got * BYTES], BYTES) != 0 || top->rresp != 0) {
        printf("wrong data at %#x\n", r.address + r.got * BYTES), exit(1);
      }
      r.got++;
      if ((r.got == r.transfers) != bool(top->rlast)) printf("the last transfer is another one\n"), exit(1);
      if (r.got == r.transfers) reads.pop_front();
    }
    if (top->bvalid) idle = 0, unacknowledged--, times.acknowledged.push_back(cycle);
    if (asked) {
      reads.push_back({waiting.front().address, waiting.front().transfers, 0}), waiting.pop_front(), idle = 0;
      times.asked.push_back(cycle);
    }
    if (moved && (times.sent.push_back(cycle), ++sent) == writes.front().transfers) {
      sent = 0, writes.pop_front(), unacknowledged++;
    }
    if (taken) writes.push_back(waiting.front()), waiting.pop_front(), idle = 0;
    pulse();
    cycle++;
  }
  return times;
}

// Cycles with nothing to do.
static void rest(uint64_t cycles) {
  top->arvalid = top->awvalid = top->wvalid = 0;
  for (; cycles > 0; cycles--) settle(), pulse(), cycle++;
}

static uint64_t median(std::vector<uint64_t> values) {
  if (values.empty()) printf("nothing was measured\n"), exit(1);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// From a cycle to the next one of a list.
static std::vector<uint64_t> gaps(const std::vector<uint64_t>& at) {
  std::vector<uint64_t> all;
  for (size_t i = 1; i < at.size(); i++) all.push_back(at[i] - at[i - 1]);
  return all;
}

static void print(const char* name, uint64_t value) { printf("%s %llu\n", name, (unsigned long long)value); }

// What a board's file says.
static void measure() {
  const uint32_t burst = BURST * BYTES;
  std::vector<Burst> reads, writes;
  for (uint32_t i = 0; i < 4096; i++) reads.push_back({i * burst, false}), writes.push_back({i * burst, true});
  const auto read = run(reads).read;
  const uint64_t each = median(gaps(read));
  print("read", 1000 * BYTES / each);
  // A buffer hides when a transfer leaves for the bus: bursts are acknowledged as fast as they leave.
  print("write", 1000 * burst / median(gaps(run(writes).acknowledged)));
  // The usual transfer that is late is the first of a row; refreshes are the longest gaps by far.
  std::vector<uint64_t> opened, rows, takes, begins;
  for (size_t i = 1; i < read.size(); i++) {
    if (read[i] - read[i - 1] > each) opened.push_back(read[i] - read[i - 1]);
  }
  const uint64_t miss = median(opened) - each;
  size_t begin = 0;
  for (size_t i = 1; i < read.size(); i++) {
    const uint64_t gap = read[i] - read[i - 1];
    if (gap == each + miss) rows.push_back(i - begin), begin = i;
    if (gap > each + 2 * miss) takes.push_back(gap), begins.push_back(read[i - 1]);
  }
  const uint32_t row = uint32_t(median(rows)) * BYTES;
  print("row_bytes", row);
  print("row_miss", miss);
  print("refresh_cycles", median(takes) - each - miss);
  print("refresh_every", (begins.back() - begins.front() + begins.size() / 2) / (begins.size() - 1));
  // There and back between two rows: as long as these are in different banks, both stay open.
  const auto between = [&](uint32_t rows) {
    std::vector<Burst> there;
    for (uint32_t i = 0; i < 500; i++) there.push_back({i % 2 * rows * row, false, 1});
    return median(gaps(run(there).read));
  };
  const uint64_t change = between(1);
  uint32_t banks = 1;
  while (banks < 64 && between(banks) == change) banks++;
  print("banks", banks);
  print("bank_change", change - each);
  // Alone, in a row that is open, at any distance from a refresh.
  std::vector<uint64_t> latency, acknowledge, to_write, to_read;
  for (int i = 0; i < 300; i++) {
    rest(40 + random_number() % 40);
    const auto first = run({{0, false}});
    latency.push_back(first.read[0] - first.asked[0]);
    rest(40);
    const auto turned = run({{0, true, 1}});
    to_write.push_back(turned.acknowledged[0] - turned.sent[0]);
    rest(40);
    const auto again = run({{0, true, 1}});
    acknowledge.push_back(again.acknowledged[0] - again.sent[0]);
    const auto back = run({{0, true, 1}, {0, false, 1}});
    to_read.push_back(back.read[0] - back.acknowledged[0]);
  }
  print("latency", median(latency));
  print("acknowledge", median(acknowledge));
  print("turn_to_write", median(to_write) - median(acknowledge));
  print("turn_to_read", median(to_read));
  // Read addresses that are taken while nobody takes the data; one more waits.
  rest(100);
  top->rready = 0;
  top->arvalid = 1, top->araddr = 0, top->arlen = 0;
  unsigned taken = 0;
  for (int i = 0; i < 1000; i++) {
    settle();
    taken += top->arready;
    pulse(), cycle++;
  }
  print("ahead", taken - 1);
  top->arvalid = 0, top->rready = 1;
  rest(1000);
}

double sc_time_stamp() { return 0; }

int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  random_number.seed(atoi(argv[1]));
  ratio = atof(argv[2]);
  top = new Vmemory_port;
  top->rready = top->bready = 1;
  for (top->hold = 1; (top->status & 15) < 2; cycle++) {
    if (cycle == 16) top->hold = 0;
    settle(), pulse();
    if (cycle > 1000000) break;
  }
  if ((top->status & 15) != 2) printf("status %#x\n", top->status), exit(1);
  const uint32_t size = BURST * BYTES, count = 1 << 13;
  memory.resize(size * count);
  for (auto& byte : memory) byte = uint8_t(random_number());
  std::vector<Burst> all;
  for (uint32_t i = 0; i < count; i++) all.push_back({i * size, true});
  run(all);
  for (auto& burst : all) burst.write = false;
  run(all);
  // Writes and reads of other places in between, at random: what was written last is read.
  for (int i = 0; i < 4000; i++) {
    const uint32_t at = uint32_t(random_number() % count) * size;
    for (uint32_t b = 0; b < size; b++) memory[at + b] = uint8_t(random_number());
    run({{at, true}});
    std::vector<Burst> bursts;
    for (int k = 0; k < 3; k++) bursts.push_back({uint32_t(random_number() % count) * size, false});
    bursts.push_back({at, false});
    run(bursts);
  }
  if (ratio == 0) measure();
  for (int i = 3; i < argc && argv[i][0] != '+'; i++) {
    std::vector<Burst> bursts;
    FILE* file = fopen(argv[i], "r");
    char way;
    unsigned address, transfers;
    while (file && fscanf(file, " %c %u %u", &way, &address, &transfers) == 3) bursts.push_back({address, way == 'w', transfers});
    if (bursts.empty()) printf("no traffic in %s\n", argv[i]), exit(1);
    fclose(file);
    const uint64_t begin = cycle;
    run(bursts);
    print("traffic", cycle - begin);
  }
  return 0;
}
