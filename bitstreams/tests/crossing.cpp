// Words through the five channels of a crossing, between two clocks that drift, with random pauses on every side.
//
// crossing SEED RATIO: memory clock over core clock, or 0 for one that changes all the time. Prints "ok WORDS SHARE SAID": words of
// all channels, the share of the slower clock's cycles that carry a word where nobody pauses, and changes of the status seen. What
// is seen of the status is never older than what was seen before, and never one that nobody said.
#include "Vspikegate_crossing.h"
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <verilated.h>
#include <vector>

static std::mt19937_64 chance;
static double now = 0, edge[2] = {-1e9, -1e9}, period[2] = {1, 1};
static int ticking = 0;

// Bits that are caught as they were: of signals that changed less than most of a period of their clock ago.
extern "C" int unsettled() {
  const int other = 1 - ticking;
  return now - edge[other] < 0.9 * period[other] ? int(chance()) : 0;
}

double sc_time_stamp() { return now; }

static uint64_t word(unsigned channel, uint64_t number) {
  uint64_t z = (number + 1) * 0x9e3779b97f4a7c15u + channel * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  return z ^ (z >> 27);
}

// A channel: `in` and `out` are clocks, 0 the core's and 1 the memory's.
struct Channel {
  int in, out;
  CData &in_valid, &in_ready, &out_valid, &out_ready;
  std::function<void(uint64_t)> put;
  std::function<bool(uint64_t)> is;
  uint64_t sent = 0, got = 0;
  double offers = 1, takes = 1;
  bool waits = false;
};

static void fail(const char* what, unsigned channel, const Channel& c) {
  printf("channel %u: %s, %llu words in and %llu out\n", channel, what, (unsigned long long)c.sent, (unsigned long long)c.got);
  exit(1);
}

int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  chance.seed(atoi(argv[1]));
  const double ratio = atof(argv[2]);
  Vspikegate_crossing top;
#define BITS(from, count, shift) (((from) >> (shift)) & ((1ull << (count)) - 1))
  std::vector<Channel> channels = {
    {0, 1, top.core_arvalid, top.core_arready, top.memory_arvalid, top.memory_arready,
      [&](uint64_t w) { top.core_araddr = BITS(w, 32, 0), top.core_arlen = BITS(w, 8, 32), top.core_arid = BITS(w, 1, 40); },
      [&](uint64_t w) { return top.memory_araddr == BITS(w, 32, 0) && top.memory_arlen == BITS(w, 8, 32) && top.memory_arid == BITS(w, 1, 40); }},
    {1, 0, top.memory_rvalid, top.memory_rready, top.core_rvalid, top.core_rready,
      [&](uint64_t w) { top.memory_rdata = BITS(w, 32, 0), top.memory_rresp = BITS(w, 2, 32), top.memory_rid = BITS(w, 1, 34), top.memory_rlast = BITS(w, 1, 35); },
      [&](uint64_t w) { return top.core_rdata == BITS(w, 32, 0) && top.core_rresp == BITS(w, 2, 32) && top.core_rid == BITS(w, 1, 34) && top.core_rlast == BITS(w, 1, 35); }},
    {0, 1, top.core_awvalid, top.core_awready, top.memory_awvalid, top.memory_awready,
      [&](uint64_t w) { top.core_awaddr = BITS(w, 32, 0), top.core_awlen = BITS(w, 8, 32), top.core_awid = BITS(w, 1, 40); },
      [&](uint64_t w) { return top.memory_awaddr == BITS(w, 32, 0) && top.memory_awlen == BITS(w, 8, 32) && top.memory_awid == BITS(w, 1, 40); }},
    {0, 1, top.core_wvalid, top.core_wready, top.memory_wvalid, top.memory_wready,
      [&](uint64_t w) { top.core_wdata = BITS(w, 32, 0), top.core_wlast = BITS(w, 1, 32); },
      [&](uint64_t w) { return top.memory_wdata == BITS(w, 32, 0) && top.memory_wlast == BITS(w, 1, 32); }},
    {1, 0, top.memory_bvalid, top.memory_bready, top.core_bvalid, top.core_bready,
      [&](uint64_t w) { top.memory_bresp = BITS(w, 2, 0), top.memory_bid = BITS(w, 1, 2); },
      [&](uint64_t w) { return top.core_bresp == BITS(w, 2, 0) && top.core_bid == BITS(w, 1, 2); }},
  };
  const auto likely = [&](double share) { return double(chance() >> 11) / double(1ull << 53) < share; };
  // Every bit of the status changes at once, at any time; it stays as it is when the run ends.
  const uint32_t coming = 1;
  const auto said = [&](uint64_t number) { return number == 0 ? coming : uint32_t(word(9, number / 2)) ^ (number % 2 ? ~0u : 0); };
  uint64_t status = 0, seen = 0, changes = 0;
  uint64_t cycles[2] = {0, 0}, carried = 0, counted = 0;
  double next[2] = {0, 0.3};
  const uint64_t until[2] = {8 + chance() % 20, 8 + chance() % 20};
  top.core_rst = top.memory_rst = 1;
  while (cycles[0] < 200000) {
    // The memory's clock; two percent of jitter on both.
    period[1] = 1 / (ratio > 0 ? ratio : 1.4 + std::sin(now / 3000));
    ticking = next[1] < next[0] || (next[1] == next[0] && chance() % 2);
    now = next[ticking];
    next[ticking] += period[ticking] * (0.99 + 0.02 * double(chance() % 1000) / 1000);
    CData& clock = ticking ? top.memory_clk : top.core_clk;
    // The last tenth of the run is without pauses.
    const bool pauses = cycles[0] < 180000;
    if (chance() % 500 == 0) {
      for (auto& c : channels) {
        const double shares[] = {0.05, 0.3, 0.7, 0.95, 1};
        c.offers = shares[chance() % 5], c.takes = shares[chance() % 5];
      }
    }
    clock = 0;
    top.eval();
    const bool reset = cycles[0] < 64 || cycles[1] < 64;
    for (auto& c : channels) {
      if (c.in == ticking) {
        if (!c.waits) c.waits = !reset && (!pauses || likely(c.offers));
        c.in_valid = c.waits;
        c.put(word(unsigned(&c - channels.data()), c.sent));
      }
      if (c.out == ticking) c.out_ready = !pauses || likely(c.takes);
    }
    top.eval();
    for (auto& c : channels) {
      const unsigned number = unsigned(&c - channels.data());
      if (c.in == ticking && c.in_valid && c.in_ready) c.sent++, c.waits = false;
      if (c.out != ticking) continue;
      if (c.out_valid && c.got == c.sent) fail("a word that nobody sent", number, c);
      // What is on offer stays, so it is looked at in every cycle.
      if (c.out_valid && !c.is(word(number, c.got))) fail("another word than the next", number, c);
      if (c.out_valid && c.out_ready) {
        c.got++;
        carried += !pauses;
      }
    }
    counted += !pauses && (ticking == (period[1] > period[0]));
    if (!ticking) {
      const uint64_t before = seen;
      while (seen <= status && top.core_status != said(seen)) seen++;
      if (seen > status) printf("a status that nobody said: %#x\n", top.core_status), exit(1);
      changes += seen != before;
    } else if (!reset && cycles[0] < 199900 && chance() % 8 == 0) {
      status++;
    }
    top.memory_status = said(status);
    if (ticking ? cycles[1] == until[1] : cycles[0] == until[0]) (ticking ? top.memory_rst : top.core_rst) = 0;
    edge[ticking] = now;
    clock = 1;
    top.eval();
    cycles[ticking]++;
  }
  uint64_t words = 0;
  for (auto& c : channels) {
    if (c.sent - c.got > 16) fail("words are lost", unsigned(&c - channels.data()), c);
    words += c.got;
  }
  if (seen != status) printf("the last status is not seen\n"), exit(1);
  const double share = double(carried) / double(counted * channels.size());
  printf("ok %llu %.3f %llu\n", (unsigned long long)words, share, (unsigned long long)changes);
  return 0;
}
