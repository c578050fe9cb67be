// Traffic at the port of a board's memory: everything that was written is read, and how long that takes.
//
// memory_port SEED: prints "USUAL LATE READS WRITES": cycles from the address of a burst to its first data where nothing else is
// under way (the median, and what one in a hundred takes, behind a refresh), and bytes a cycle of bursts behind each other.
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

struct Burst {
  uint32_t address;
  bool write;
};
struct Read {
  uint32_t address;
  uint64_t asked;
  unsigned got;
};

static std::vector<uint8_t> memory;

// Carries bursts out, several under way at a time; the cycles from each read's address to its first data.
static std::vector<uint64_t> run(std::vector<Burst> bursts) {
  std::vector<uint64_t> latencies;
  std::deque<Burst> waiting(bursts.begin(), bursts.end());
  std::deque<Read> reads;
  std::deque<uint32_t> writes;
  unsigned sent = 0, unacknowledged = 0;
  uint64_t idle = 0;
  while (!waiting.empty() || !reads.empty() || !writes.empty() || unacknowledged > 0) {
    if (idle++ > 10000) printf("nothing moves\n"), exit(1);
    const bool read = !waiting.empty() && !waiting.front().write && reads.size() < AHEAD;
    const bool write = !waiting.empty() && waiting.front().write && writes.size() + unacknowledged < AHEAD;
    top->arvalid = read;
    top->araddr = read ? waiting.front().address : 0;
    top->awvalid = write;
    top->awaddr = write ? waiting.front().address : 0;
    top->wvalid = !writes.empty();
    top->wlast = sent == BURST - 1;
    if (!writes.empty()) memcpy(&top->wdata, &memory[writes.front() + sent * BYTES], BYTES);
    top->clock = 0;
    top->eval();
    const bool asked = read && top->arready, taken = write && top->awready, moved = !writes.empty() && top->wready;
    if (top->rvalid) {
      idle = 0;
      if (reads.empty()) printf("an answer that nobody waits for\n"), exit(1);
      Read& r = reads.front();
      if (r.got == 0) latencies.push_back(cycle - r.asked);
      if (memcmp(&top->rdata, &memory[r.address + r.got * BYTES], BYTES) != 0 || top->rresp != 0) {
        printf("wrong data at %#x\n", r.address + r.got * BYTES), exit(1);
      }
      r.got++;
      if ((r.got == BURST) != bool(top->rlast)) printf("the last transfer is another one\n"), exit(1);
      if (r.got == BURST) reads.pop_front();
    }
    if (top->bvalid) idle = 0, unacknowledged--;
    if (asked) reads.push_back({waiting.front().address, cycle, 0}), waiting.pop_front(), idle = 0;
    if (moved && ++sent == BURST) sent = 0, writes.pop_front(), unacknowledged++;
    if (taken) writes.push_back(waiting.front().address), waiting.pop_front(), idle = 0;
    top->clock = 1;
    top->eval();
    cycle++;
  }
  return latencies;
}

double sc_time_stamp() { return 0; }

int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  random_number.seed(atoi(argv[1]));
  top = new Vmemory_port;
  top->rready = top->bready = 1;
  for (top->hold = 1; (top->status & 15) < 2; cycle++) {
    if (cycle == 16) top->hold = 0;
    top->clock = 0, top->eval(), top->clock = 1, top->eval();
    if (cycle > 1000000) break;
  }
  if ((top->status & 15) != 2) printf("status %#x\n", top->status), exit(1);
  const uint32_t size = BURST * BYTES, count = 4096;
  memory.resize(size * count);
  for (auto& byte : memory) byte = uint8_t(random_number());
  const auto each = [&](bool write) {
    std::vector<Burst> bursts;
    for (uint32_t i = 0; i < count; i++) bursts.push_back({i * size, write});
    return bursts;
  };
  uint64_t begin = cycle;
  run(each(true));
  const double writes = double(memory.size()) / double(cycle - begin);
  begin = cycle;
  run(each(false));
  const double reads = double(memory.size()) / double(cycle - begin);
  std::vector<uint64_t> alone;
  for (int i = 0; i < 1000; i++) {
    // Behind others, at any distance from a refresh.
    for (unsigned n = random_number() % 40; n > 0; n--) top->clock = 0, top->eval(), top->clock = 1, top->eval(), cycle++;
    alone.push_back(run({{uint32_t(random_number() % count) * size, false}}).at(0));
  }
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
  std::sort(alone.begin(), alone.end());
  const auto part = [&](size_t of) { return (unsigned long long)alone[alone.size() * of / 100]; };
  printf("%llu %llu %.3f %.3f\n", part(50), part(99), reads, writes);
  return 0;
}
