// SPDX-License-Identifier: MIT
// A process at a grants' server, written without any of its code (docs/specs/grants.md): grants, maps, binds, ends and closes until it is killed. Cheap to start, and to kill.
//   grant_peer SOCKET DOMAIN PEER
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HELLO, GRANT, END, MAP, UNMAP, ALLOCATE, BIND, CLOSE, LIST = 11 };
struct message { uint32_t code, a, b, c, d, e; };

static int server;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

// Asks, and returns the answer; fds holds what goes along, and gets what comes back.
static struct message ask(struct message request, int *fds, int sending, int awaiting)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = {0}, text[16384];
	struct iovec io = {&request, sizeof(request)};
	struct msghdr header = {.msg_iov = &io, .msg_iovlen = 1};
	struct message answer;
	struct cmsghdr *rights;
	ssize_t length;

	if (sending) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(sending * sizeof(int));
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sending * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, sending * sizeof(int));
	}
	if (sendmsg(server, &header, MSG_NOSIGNAL) != sizeof(request))
		fail("send");
	io = (struct iovec){text, sizeof(text)};
	header = (struct msghdr){.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	length = recvmsg(server, &header, MSG_CMSG_CLOEXEC);
	if (length < (ssize_t)sizeof(answer))
		fail("receive");
	memcpy(&answer, text, sizeof(answer));
	if (answer.code) {
		fprintf(stderr, "request %u: %.*s\n", request.code, (int)(length - sizeof(answer)), text + sizeof(answer));
		exit(2);
	}
	if (awaiting) {
		rights = CMSG_FIRSTHDR(&header);
		if (!rights || rights->cmsg_len != CMSG_LEN(awaiting * sizeof(int)))
			fail("descriptors");
		memcpy(fds, CMSG_DATA(rights), awaiting * sizeof(int));
	}
	return answer;
}

static uint32_t grant(uint32_t to, uint32_t pages, int read_only)
{
	int fd = memfd_create("grant", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *window;
	uint32_t first;

	if (fd < 0 || ftruncate(fd, pages * 4096))
		fail("memfd");
	window = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (window == MAP_FAILED || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (read_only ? F_SEAL_FUTURE_WRITE : 0)))
		fail("seal");
	*(uint32_t *)window = 0xC0DE;
	first = ask((struct message){GRANT, to, pages, read_only}, &fd, 1, 0).a;
	munmap(window, pages * 4096);
	close(fd);
	return first;
}

int main(int count, char **words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint32_t own, peer;

	if (count != 4)
		return 3;
	own = atoi(words[2]);
	peer = atoi(words[3]);
	server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, words[1], sizeof(address.sun_path) - 1);
	if (connect(server, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	ask((struct message){HELLO, 1, own}, NULL, 0, 0);
	for (uint32_t round = 0;; round++) {
		uint32_t pages = 1 + round % 5, mine = grant(own, pages, 0), theirs = grant(peer, 1, round & 1);
		int fds[2];
		struct message mapping = ask((struct message){MAP, own, mine, pages, 1}, fds, 0, 1);
		uint32_t *window = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], mapping.b * 4096);
		uint32_t port, bound;

		close(fds[0]);
		if (window == MAP_FAILED || *window != 0xC0DE)
			fail("map");
		port = ask((struct message){ALLOCATE, own}, fds, 0, 2).a;
		close(fds[0]);
		close(fds[1]);
		bound = ask((struct message){BIND, own, port}, fds, 0, 2).a;
		close(fds[0]);
		close(fds[1]);
		ask((struct message){ALLOCATE, peer}, fds, 0, 2);
		close(fds[0]);
		close(fds[1]);
		if (ask((struct message){END, mine, 0}, NULL, 0, 0).a != 1)
			fail("end while mapped");
		munmap(window, pages * 4096);
		ask((struct message){UNMAP, mapping.a}, NULL, 0, 0);
		if (ask((struct message){END, mine, 0}, NULL, 0, 0).a != 0)
			fail("end");
		ask((struct message){CLOSE, port}, NULL, 0, 0);
		ask((struct message){CLOSE, bound}, NULL, 0, 0);
		if (round == 0) {
			puts("at work");
			fflush(stdout);
		}
		if (round % 100 == 99)
			return 0;
		(void)theirs;
	}
}
