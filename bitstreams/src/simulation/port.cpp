// A board's top in Verilator, its UART pins behind a pseudo-terminal: what a host program sees is a serial port.
//
// port CLOCK MEMORY_CLOCK SEED ONE_IN CUT_AT ONCE: prints the port's path; runs until its standard input ends or, with ONCE = 1,
// until a host program has opened and closed the port; then prints "CYCLES BYTES_IN BYTES_OUT FAULTS". The core's CLOCK in Hz
// and the port's speed give the cycles of a bit on the pins, as a serial adapter would: the host program sets the speed.
// MEMORY_CLOCK in Hz is that of the memory's controller, 0 where that is the core's.
// One byte of ONE_IN (0: none) is flipped, lost or doubled, either way; from byte CUT_AT (0: never) on, 700 bytes are
// lost in each direction. What follows these arguments is the models': `+NAME=VALUE`. RESET_PRESSED is the level of a pressed reset button, where the board has one.
#include "Vboard_top.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <queue>
#include <asm/termbits.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <verilated.h>

static const long CUT_BYTES = 700;
static uint64_t state;

static uint64_t random_number() {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

struct Direction {
  long bytes = 0;
  long faults = 0;
  // What comes out of the line for a byte that goes in.
  template <class Out> void pass(uint8_t byte, long one_in, long cut_at, Out out) {
    bytes++;
    if (cut_at > 0 && bytes >= cut_at && bytes < cut_at + CUT_BYTES) {
      faults++;
      return;
    }
    if (one_in == 0 || random_number() % one_in != 0) {
      out(byte);
      return;
    }
    faults++;
    switch (random_number() % 4) {
    case 0: break;
    case 1: out(byte), out(uint8_t(random_number())); break;
    default: out(byte ^ uint8_t(1u << random_number() % 8));
    }
  }
};

double sc_time_stamp() { return 0; }

// Levels of the clocks. The oscillator's pin changes with each of them: a clock generator that makes one of two asks for it then.
static bool core_level, memory_level;
extern "C" int core_clock() { return core_level; }
extern "C" int memory_clock() { return memory_level; }

static void turn(Vboard_top& top, bool& level) {
  level = !level;
  top.clock = !top.clock;
  top.eval();
}

int main(int argc, char** argv) {
  if (argc < 7) return 2;
  Verilated::commandArgs(argc, argv);
  const double clock_rate = atof(argv[1]), memory_rate = atof(argv[2]);
  state = strtoull(argv[3], nullptr, 10);
  const long one_in = atol(argv[4]), cut_at = atol(argv[5]);
  const bool once = atol(argv[6]) != 0;
  // Edges of the memory's clock since the beginning, in half cycles of the core's: rounding adds up to nothing.
  uint64_t memory_edges = 0;
  const auto memory_until = [&](double half_cycles, auto& top) {
    while (memory_rate > 0 && (memory_edges + 0.6) * clock_rate < half_cycles * memory_rate) {
      memory_edges++;
      turn(top, memory_level);
    }
  };

  int port = posix_openpt(O_RDWR | O_NOCTTY);
  if (port < 0 || grantpt(port) != 0 || unlockpt(port) != 0) return 3;
  const char* name = ptsname(port);
  // The mode is the port's, on whichever side it is asked for, and stays when a host program goes.
  termios2 mode;
  if (ioctl(port, TCGETS2, &mode) != 0) return 3;
  mode.c_iflag = mode.c_oflag = mode.c_lflag = 0;
  mode.c_cflag = CS8 | CREAD | CLOCAL | BOTHER;
  mode.c_ispeed = mode.c_ospeed = 1000000;
  if (ioctl(port, TCSETS2, &mode) != 0) return 3;
  fcntl(port, F_SETFL, O_NONBLOCK);
  printf("%s\n", name);
  fflush(stdout);

  Vboard_top top;
  Direction in, out;
  std::queue<uint8_t> to_board;
  std::queue<uint8_t> to_host;
  int sending = 0, receiving = 0, sent_bits = 0, got_bits = 0, divider = 0;
  uint64_t cycle = 0;
  bool opened = false;
  top.clock = 0;
  top.uart_rx = 1;
#ifdef RESET_PRESSED
  top.reset = RESET_PRESSED;
#endif
  for (;; cycle++) {
#ifdef RESET_PRESSED
    if (cycle == 16) top.reset = !RESET_PRESSED;
#endif
    // A speed change waits for the line.
    if (cycle % 64 == 0 && sending == 0 && receiving == 0 && to_board.empty()) {
      if (ioctl(port, TCGETS2, &mode) != 0) return 3;
      divider = int(clock_rate / mode.c_ospeed + 0.5);
    }
    // To the board: ten bits a byte.
    if (sending == 0 && !to_board.empty()) {
      sent_bits = to_board.front() << 1 | 1 << 9;
      to_board.pop();
      sending = 10 * divider;
    }
    top.uart_rx = 1;
    if (sending > 0) {
      top.uart_rx = sent_bits >> ((10 * divider - sending) / divider) & 1;
      sending--;
    }
    top.eval();
    // From the board: bits in their middle.
    if (receiving > 0 || top.uart_tx == 0) {
      receiving++;
      if (receiving % divider == divider / 2) got_bits = got_bits >> 1 | top.uart_tx << 9;
      if (receiving == 10 * divider - 1) {
        out.pass(uint8_t(got_bits >> 1), one_in, cut_at, [&](uint8_t b) { to_host.push(b); });
        receiving = 0;
      }
    }
    turn(top, core_level);
    memory_until(2 * double(cycle) + 1, top);
    turn(top, core_level);
    memory_until(2 * double(cycle) + 2, top);
    if (cycle % 64 == 0) {
      uint8_t buffer[256];
      if (to_board.size() < 256) {
        ssize_t n = read(port, buffer, sizeof buffer);
        for (ssize_t i = 0; i < n; i++) {
          in.pass(buffer[i], one_in, cut_at, [&](uint8_t b) { to_board.push(b); });
        }
      }
      while (!to_host.empty()) {
        if (write(port, &to_host.front(), 1) != 1) break;
        to_host.pop();
      }
    }
    if (cycle % 65536 == 0) {
      pollfd ends[2] = {{0, POLLIN, 0}, {port, 0, 0}};
      uint8_t byte;
      if (poll(ends, 2, 0) < 0) break;
      if (ends[0].revents != 0 && read(0, &byte, 1) <= 0) break;
      const bool closed = (ends[1].revents & POLLHUP) != 0;
      if (once && opened && closed) break;
      opened = opened || !closed;
    }
  }
  top.final();
  printf("%llu %ld %ld %ld\n", (unsigned long long)cycle, in.bytes, out.bytes, in.faults + out.faults);
  return 0;
}
