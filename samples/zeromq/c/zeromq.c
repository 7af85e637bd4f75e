// SPDX-License-Identifier: MIT
// The same seven programs in C over libzmq, with the same arguments, output and messages: what a scenario may use in place of ours.
// Build: cc -O2 -o zeromq zeromq.c -lzmq, and link or copy it to the names.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static void *context;

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
	exit(1);
}

static void *open_socket(int type, const char *bind_to, const char *connect_to)
{
	void *socket = zmq_socket(context, type);

	if (!socket)
		fail("zmq_socket");
	if (bind_to && zmq_bind(socket, bind_to))
		fail("zmq_bind");
	if (connect_to && zmq_connect(socket, connect_to))
		fail("zmq_connect");
	return socket;
}

static int receive(void *socket, char *buffer, int size)
{
	int length = zmq_recv(socket, buffer, size, 0);

	if (length < 0)
		fail("zmq_recv");
	return length;
}

static void receive_text(void *socket, char *buffer, int size)
{
	int length = receive(socket, buffer, size - 1);

	buffer[length < size - 1 ? length : size - 1] = 0;
}

static void transmit(void *socket, const void *message, size_t length)
{
	if (zmq_send(socket, message, length, 0) < 0)
		fail("zmq_send");
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void server(char **a)
{
	void *socket = open_socket(ZMQ_REP, a[1], NULL);
	int size = atoi(a[2]), count = atoi(a[3]);
	char *message = calloc(1, size + 1);

	for (int i = 0; i < count; i++) {
		if (receive(socket, message, size) != size)
			exit(1);
		transmit(socket, message, size);
	}
	zmq_close(socket);
}

static void client(char **a)
{
	void *socket = open_socket(ZMQ_REQ, NULL, a[1]);
	int size = atoi(a[2]), count = atoi(a[3]);
	char *message = calloc(1, size + 1);
	double start = now_us();

	for (int i = 0; i < count; i++) {
		transmit(socket, message, size);
		if (receive(socket, message, size) != size)
			exit(1);
	}
	printf("message size: %d [B]\nroundtrip count: %d\naverage latency: %.3f [us]\n", size, count, (now_us() - start) / (2.0 * count));
	zmq_close(socket);
}

static void pub(char **a)
{
	void *socket = open_socket(ZMQ_PUB, a[1], NULL);
	int size = atoi(a[2]), count = atoi(a[3]);
	char *update = calloc(1, size + 1);

	for (int i = 0; i < count; i++) {
		sleep(1);
		snprintf(update, size + 1, "%05d %d %d %d", 10001, rand() % 215 - 80, rand() % 50 + 10, i);
		transmit(socket, update, strlen(update));
		puts(update);
	}
	zmq_close(socket);
}

static void sub(char **a)
{
	void *socket = open_socket(ZMQ_SUB, NULL, a[1]);
	int count = atoi(a[2]), temperature;
	char update[256];
	long total = 0;

	zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
	for (int i = 0; i < count; i++) {
		receive_text(socket, update, sizeof(update));
		puts(update);
		if (sscanf(update, "%*d %d", &temperature) != 1)
			exit(1);
		total += temperature;
	}
	printf("Average temperature for zipcode was %dF\n", (int)(total / count));
	zmq_close(socket);
}

static void source(char **a)
{
	void *workers = open_socket(ZMQ_PUSH, a[1], NULL), *sink = open_socket(ZMQ_PUSH, NULL, a[2]);
	int count = atoi(a[3]), total = 0;
	char text[16];

	sleep(1);
	transmit(sink, "0", 1);
	for (int i = 0; i < count; i++) {
		int workload = rand() % 100 + 1;

		total += workload;
		snprintf(text, sizeof(text), "%d", workload);
		transmit(workers, text, strlen(text));
	}
	printf("Total expected cost: %d msec\n", total);
	zmq_close(workers);
	zmq_close(sink);
}

static void worker(char **a)
{
	void *tasks = open_socket(ZMQ_PULL, NULL, a[1]), *sink = open_socket(ZMQ_PUSH, NULL, a[2]);
	char text[16];

	for (;;) {
		receive_text(tasks, text, sizeof(text));
		printf("%s.", text);
		fflush(stdout);
		usleep(atoi(text) * 1000);
		transmit(sink, "", 0);
	}
}

static void sink(char **a)
{
	void *socket = open_socket(ZMQ_PULL, a[1], NULL);
	int count = atoi(a[2]);
	char text[16];
	double start;

	receive(socket, text, sizeof(text));
	start = now_us();
	for (int i = 0; i < count; i++) {
		receive(socket, text, sizeof(text));
		putchar(i % 10 ? '.' : ':');
		fflush(stdout);
	}
	printf("\nTotal elapsed time: %ld msec\n", (long)((now_us() - start) / 1000));
	zmq_close(socket);
}

static const struct {
	const char *name, *usage;
	int arguments;
	void (*run)(char **arguments);
} programs[] = {
	{ "server", "<bind-to> <message-size> <roundtrip-count>", 3, server },
	{ "client", "<connect-to> <message-size> <roundtrip-count>", 3, client },
	{ "pub", "<bind-to> <message-size> <count>", 3, pub },
	{ "sub", "<connect-to> <count>", 2, sub },
	{ "source", "<bind-tasks> <sink> <count>", 3, source },
	{ "worker", "<tasks> <sink>", 2, worker },
	{ "sink", "<bind-to> <count>", 2, sink },
};

int main(int count, char **words)
{
	const char *slash = strrchr(words[0], '/'), *name = slash ? slash + 1 : words[0];

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (strcmp(programs[i].name, name))
			continue;
		if (count - 1 != programs[i].arguments) {
			fprintf(stderr, "usage: %s %s\n", name, programs[i].usage);
			return 2;
		}
		context = zmq_ctx_new();
		programs[i].run(words);
		zmq_ctx_term(context);
		return 0;
	}
	fprintf(stderr, "%s is none of the seven programs\n", name);
	return 2;
}
