// Resets of two clocks behind pulses of `hold` of any length, in some of which one clock or both stand still until it goes.
//
// crossing_reset SEED RATIO: b's clock over a's. Prints "ok LEAST": the fewest cycles of either clock that both were in reset.
#include "Vcrossing_reset.h"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <verilated.h>

double sc_time_stamp() { return 0; }

static void fail(const char* what) {
  printf("%s\n", what);
  exit(1);
}

int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  std::mt19937_64 chance(atoi(argv[1]));
  const double period[2] = {1, 1 / atof(argv[2])};
  Vcrossing_reset top;
  CData* clock[2] = {&top.a_clk, &top.b_clk};
  CData* reset[2] = {&top.a_rst, &top.b_rst};
  double next[2] = {0.1, 0.3}, now = 0;
  // The next cycle of a clock that does not stand still; whether both were in reset before and behind it.
  unsigned together[2];
  const auto cycle = [&](unsigned still) {
    const int ticking = still == 1 ? 1 : still == 2 ? 0 : next[1] < next[0];
    now = next[ticking];
    next[ticking] += period[ticking] * (0.99 + 0.02 * double(chance() % 1000) / 1000);
    const bool both = top.a_rst && top.b_rst;
    const bool other = *reset[1 - ticking];
    *clock[ticking] = 1;
    top.eval();
    if (bool(*reset[1 - ticking]) != other) fail("a reset changes with the other clock");
    together[ticking] += both && top.a_rst && top.b_rst;
    *clock[ticking] = 0;
    top.eval();
  };
  top.hold = 1;
  top.eval();
  for (int i = 0; i < 100; i++) cycle(0);
  top.hold = 0;
  unsigned least = 1000;
  for (int pulse = 0; pulse < 2000; pulse++) {
    for (int i = 0; i < 2000; i++) cycle(0);
    if (top.a_rst || top.b_rst) fail("a reset does not go away");
    // Still: none, a, b, both.
    const unsigned still = chance() % 4, length = chance() % 60;
    together[0] = together[1] = 0;
    const bool before = top.a_rst || top.b_rst;
    top.hold = 1;
    top.eval();
    if (!before && (top.a_rst || top.b_rst)) fail("a reset comes without an edge");
    for (unsigned i = 0; i < length && still != 3; i++) cycle(still);
    // A clock that stood still goes on from here.
    for (int c = 0; c < 2; c++) next[c] = std::max(next[c], now + period[c] * double(chance() % 1000) / 1000);
    const bool were[2] = {bool(top.a_rst), bool(top.b_rst)};
    top.hold = 0;
    top.eval();
    if (top.a_rst != were[0] || top.b_rst != were[1]) fail("a reset goes without an edge");
    for (int i = 0; i < 2000 && (i < 20 || top.a_rst || top.b_rst); i++) cycle(0);
    for (unsigned count : together) least = std::min(least, count);
  }
  if (least < 4) fail("both are in reset for fewer than four cycles");
  printf("ok %u\n", least);
  return 0;
}
