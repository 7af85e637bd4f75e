// SPDX-License-Identifier: MIT
/*
 * Boost.Interprocess' message_queue (Debian: libboost-dev), measured as ipc.c measures the others.
 *
 * boostqueue latency|stream|wake BYTES COUNT [WARM-UP|PAUSE-US] CORE CORE
 */
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstring>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <csignal>
#include <unistd.h>
#include <vector>

extern "C" {
#include "stats.h"
}

namespace bip = boost::interprocess;

static void pin(const char *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(std::atoi(core), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void receive(bip::message_queue &queue, std::vector<char> &bytes)
{
	bip::message_queue::size_type came;
	unsigned priority;

	queue.receive(bytes.data(), bytes.size(), came, priority);
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		std::fprintf(stderr, "usage: boostqueue latency|stream|wake BYTES COUNT [WARM-UP|PAUSE-US] CORE CORE\n");
		return 2;
	}
	const std::string mode = argv[1];
	const bool is_latency = mode == "latency", is_wake = mode == "wake";
	const size_t size = std::atoi(argv[2]);
	const int count = std::atoi(argv[3]), extra = mode == "stream" ? 0 : std::atoi(argv[4]);
	const char *const *cores = argv + argc - 2;
	const std::string name = "tombolo-bench-" + std::to_string(getpid());
	const std::string there = name + "-there", back = name + "-back";
	const size_t room = std::max<size_t>(2, std::min<size_t>(1000, (8u << 20) / size));
	auto *ns = static_cast<uint64_t *>(mmap(nullptr, count * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
	auto out = std::make_unique<bip::message_queue>(bip::create_only, there.c_str(), room, size);
	auto in = std::make_unique<bip::message_queue>(bip::create_only, back.c_str(), room, size);
	std::vector<char> bytes(size, 1);
	const pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(cores[1]);
		for (int i = 0; is_latency || i < count; i++) {
			receive(*out, bytes);
			if (is_latency)
				in->send(bytes.data(), size, 0);
			if (is_wake) {
				uint64_t start;

				std::memcpy(&start, bytes.data(), sizeof(start));
				ns[i] = now_ns() - start;
			}
		}
		in->send(bytes.data(), 8, 0);
		pause();
	}
	pin(cores[0]);
	uint64_t start = now_ns();
	for (int i = is_latency ? -extra : 0; i < count; i++) {
		uint64_t begin = now_ns();

		if (is_wake) {
			struct timespec rest = { 0, extra * 1000L };

			nanosleep(&rest, nullptr);
			begin = now_ns();
			std::memcpy(bytes.data(), &begin, sizeof(begin));
		}
		out->send(bytes.data(), size, 0);
		if (is_latency) {
			receive(*in, bytes);
			if (i >= 0)
				ns[i] = (now_ns() - begin) / 2;
		}
	}
	if (!is_latency)
		receive(*in, bytes);
	if (mode == "stream")
		std::printf("%llu\n", static_cast<unsigned long long>(now_ns() - start));
	else
		print_stats(ns, count);
	kill(child, SIGKILL);
	waitpid(child, nullptr, 0);
	bip::message_queue::remove(there.c_str());
	bip::message_queue::remove(back.c_str());
	return 0;
}
