/*
 * A server whose whole state is in its memory: a token drawn at its start, a count of its clients and the seconds it lived
 * through. It answers each client with one line of them and never writes anything down.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long long token, clients = 0, ticks = 0;
	int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 7777)};
	struct pollfd waits = {.fd = server, .events = POLLIN};

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (getrandom(&token, sizeof(token), 0) != sizeof(token) ||
	    bind(server, (struct sockaddr *)&at, sizeof(at)) || listen(server, 8))
		return 1;
	for (;;) {
		char line[128];
		int client, length;

		if (poll(&waits, 1, 1000) == 0) {
			ticks++;
			continue;
		}
		client = accept(server, NULL, NULL);
		if (client < 0)
			continue;
		length = snprintf(line, sizeof(line), "%llx %d %llu %llu\n", token, getpid(), ++clients, ticks);
		if (write(client, line, length) != length)
			return 1;
		close(client);
	}
}
