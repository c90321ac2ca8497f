/*
 * The workload of a proof: does what programs do to a kernel, checks what comes back, and counts. Three processes work
 * until FOLDER/stop appears, or for ROUNDS rounds when given; then one line for each kind, "<kind> <times>", with
 * "absent" where this kernel does not have it and "FAILED: <why>" where an answer was wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DONE, ABSENT, WRONG };

/* What a call that this kernel lacks answers with. */
static int lacks(int error)
{
	return error == ENOSYS || error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == ENOENT ||
	       error == ENODEV || error == EADDRNOTAVAIL || error == ENETUNREACH;
}

struct state {
	volatile long times;
	volatile int absent;
	volatile int failed;
	char why[96];
};

static const char *folder;
static struct state *state;
static int current;

static int wrong(const char *what)
{
	if (lacks(errno)) return ABSENT;
	snprintf(state[current].why, sizeof(state[current].why), "%s (%s)", what, strerror(errno));
	return WRONG;
}

#define NEED(condition) do { if (!(condition)) return wrong(#condition); } while (0)

static int files(void)
{
	char a[128], b[128], text[4096];
	struct stat st;
	snprintf(a, sizeof(a), "%s/f%d", folder, getpid());
	snprintf(b, sizeof(b), "%s/g%d", folder, getpid());
	memset(text, 'x', sizeof(text));
	int fd = open(a, O_CREAT | O_RDWR | O_TRUNC, 0600);
	NEED(fd >= 0);
	for (int i = 0; i < 8; i++) NEED(write(fd, text, sizeof(text)) == sizeof(text));
	NEED(ftruncate(fd, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000);
	NEED(pread(fd, text, 100, 4000) == 100 && text[0] == 'x' && text[99] == 'x');
	NEED(fcntl(fd, F_SETFL, O_APPEND) == 0);
	NEED(rename(a, b) == 0 && link(b, a) == 0 && unlink(b) == 0 && symlink(a, b) == 0);
	NEED(stat(b, &st) == 0 && unlink(a) == 0 && unlink(b) == 0 && fsync(fd) == 0);
	close(fd);
	NEED(mkdir(a, 0700) == 0 && rmdir(a) == 0);
	return DONE;
}

static int locks(void)
{
	char path[128];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	snprintf(path, sizeof(path), "%s/l%d", folder, getpid());
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	NEED(fd >= 0);
	NEED(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0 && fcntl(fd, F_SETLK, &lock) == 0);
	NEED(unlink(path) == 0);
	close(fd);
	return DONE;
}

static int memory(void)
{
	size_t size = 64 * 4096;
	unsigned char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(at != MAP_FAILED);
	for (size_t i = 0; i < size; i += 4096) at[i] = (unsigned char)(i >> 12);
	NEED(mprotect(at, 4096, PROT_READ) == 0 && mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0);
	at = mremap(at, size, 2 * size, MREMAP_MAYMOVE);
	NEED(at != MAP_FAILED && at[5 * 4096] == 5 && at[size] == 0);
	NEED(madvise(at + size, size, MADV_DONTNEED) == 0);
	NEED(munmap(at, 2 * size) == 0);
	return DONE;
}

static int shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
	NEED(id >= 0);
	char *at = shmat(id, NULL, 0);
	NEED(at != (void *)-1);
	strcpy(at, "shared");
	NEED(shmctl(id, IPC_RMID, NULL) == 0 && strcmp(at, "shared") == 0 && shmdt(at) == 0);
	return DONE;
}

static int pipes(void)
{
	int p[2];
	char text[16] = "";
	NEED(pipe2(p, O_CLOEXEC) == 0);
	struct pollfd wait = { .fd = p[0], .events = POLLIN };
	struct iovec parts[2] = { { "ab", 2 }, { "cd", 2 } };
	NEED(writev(p[1], parts, 2) == 4 && poll(&wait, 1, 1000) == 1);
	NEED(read(p[0], text, sizeof(text)) == 4 && strcmp(text, "abcd") == 0);
	close(p[0]);
	close(p[1]);
	return DONE;
}

static int unix_sockets(void)
{
	int s[2];
	char text[8] = "";
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	NEED(send(s[0], "unix", 5, 0) == 5 && recv(s[1], text, sizeof(text), 0) == 5 && strcmp(text, "unix") == 0);
	close(s[0]);
	close(s[1]);
	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	NEED(send(s[0], "d", 1, 0) == 1 && recv(s[1], text, sizeof(text), 0) == 1);
	close(s[0]);
	close(s[1]);
	return DONE;
}

static int inet(int family, int type)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage at;
	socklen_t size = family == AF_INET ? sizeof(four) : sizeof(six);
	char text[64] = "";
	int one = 1;
	memcpy(&at, family == AF_INET ? (void *)&four : (void *)&six, size);
	int server = socket(family, type, 0);
	NEED(server >= 0);
	NEED(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
	NEED(bind(server, (void *)&at, size) == 0 && getsockname(server, (void *)&at, &size) == 0);
	int client = socket(family, type, 0), peer = server;
	NEED(client >= 0);
	if (type == SOCK_STREAM) NEED(listen(server, 4) == 0);
	NEED(connect(client, (void *)&at, size) == 0);
	if (type == SOCK_STREAM) NEED((peer = accept4(server, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	NEED(send(client, "loopback", 9, 0) == 9);
	NEED(recv(peer, text, sizeof(text), 0) == 9 && strcmp(text, "loopback") == 0);
	close(client);
	if (peer != server) close(peer);
	close(server);
	return DONE;
}

static int tcp(void) { return inet(AF_INET, SOCK_STREAM); }
static int udp(void) { return inet(AF_INET, SOCK_DGRAM); }
static int tcp6(void) { return inet(AF_INET6, SOCK_STREAM); }
static int udp6(void) { return inet(AF_INET6, SOCK_DGRAM); }

static int events(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	uint64_t value = 3;
	int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(0, EFD_CLOEXEC);
	NEED(ep >= 0 && ev >= 0);
	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &event) == 0 && epoll_wait(ep, &event, 1, 0) == 0);
	NEED(write(ev, &value, 8) == 8 && epoll_wait(ep, &event, 1, 1000) == 1);
	NEED(read(ev, &value, 8) == 8 && value == 3 && epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL) == 0);
	close(ev);
	close(ep);
	return DONE;
}

static int timers(void)
{
	struct itimerspec soon = { .it_value = { 0, 1000000 } };
	uint64_t fired = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	NEED(fd >= 0);
	NEED(timerfd_settime(fd, 0, &soon, NULL) == 0 && read(fd, &fired, 8) == 8 && fired >= 1);
	close(fd);
	struct timespec nap = { 0, 1000 };
	NEED(clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL) == 0);
	return DONE;
}

static int watches(void)
{
	char path[128], event[512];
	int fd = inotify_init1(IN_CLOEXEC);
	NEED(fd >= 0);
	snprintf(path, sizeof(path), "%s/w%d", folder, getpid());
	int watch = inotify_add_watch(fd, folder, IN_CREATE | IN_DELETE);
	NEED(watch >= 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	NEED(poll(&wait, 1, 1000) == 1 && read(fd, event, sizeof(event)) > 0 && unlink(path) == 0 && inotify_rm_watch(fd, watch) == 0);
	close(fd);
	return DONE;
}

static volatile sig_atomic_t caught;
static void on_signal(int number) { caught = number; }

static int signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }, old;
	sigset_t set;
	caught = 0;
	NEED(sigaction(SIGUSR1, &action, &old) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && kill(getpid(), SIGUSR1) == 0 && caught == 0);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && caught == SIGUSR1);
	NEED(sigaction(SIGUSR1, &old, NULL) == 0);
	return DONE;
}

static int processes(void)
{
	int status;
	pid_t child = fork();
	NEED(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "workload", "--exit", "7", (char *)NULL);
		_exit(7);
	}
	NEED(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	child = fork();
	NEED(child >= 0);
	if (child == 0) for (;;) pause();
	NEED(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	return DONE;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *thread(void *counter)
{
	for (int i = 0; i < 50; i++) {
		pthread_mutex_lock(&mutex);
		++*(int *)counter;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}
static void *sleeper(void *unused) { for (;;) pause(); return unused; }

/* Threads that end, and a process that ends, and one that becomes another program, while its threads live. */
static int threads(void)
{
	pthread_t ids[3];
	int counter = 0, status;
	for (int i = 0; i < 3; i++) NEED(pthread_create(&ids[i], NULL, thread, &counter) == 0);
	for (int i = 0; i < 3; i++) NEED(pthread_join(ids[i], NULL) == 0);
	NEED(counter == 150);
	for (int exec = 0; exec < 2; exec++) {
		pid_t child = fork();
		NEED(child >= 0);
		if (child == 0) {
			pthread_create(&ids[0], NULL, sleeper, NULL);
			if (exec) execl("/proc/self/exe", "workload", "--exit", "5", (char *)NULL);
			exit(5);
		}
		NEED(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
	}
	return DONE;
}

static int read_whole(const char *path)
{
	char text[4096];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return -1;
	while ((got = read(fd, text, sizeof(text))) > 0);
	close(fd);
	return 0;
}

static int proc(void)
{
	static const char *const paths[] = { "self/status", "self/maps", "self/stat", "self/limits", "meminfo", "stat",
		"uptime", "loadavg", "modules", "mounts", "cmdline", "filesystems", "net/dev", "net/tcp", "net/unix" };
	char path[64];
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(path, sizeof(path), "/proc/%s", paths[i]);
		int got = read_whole(path);
		NEED(i > 1 || got == 0);
	}
	DIR *dir = opendir("/proc/self/fd");
	NEED(dir != NULL);
	while (readdir(dir));
	closedir(dir);
	return DONE;
}

static int sys(void)
{
	static const char *const folders[] = { "/sys/kernel", "/sys/class/net/lo", "/sys/devices/system/cpu", "/sys/block" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		DIR *dir = opendir(folders[i]);
		struct dirent *entry;
		if (dir == NULL) continue;
		while ((entry = readdir(dir))) {
			char path[512];
			snprintf(path, sizeof(path), "%s/%s", folders[i], entry->d_name);
			if (entry->d_type == DT_REG) read_whole(path);
		}
		closedir(dir);
	}
	struct sysinfo info;
	NEED(sysinfo(&info) == 0 && info.totalram > 0);
	return DONE;
}

static const struct kind { const char *name; int (*run)(void); int group; } kinds[] = {
	{ "files", files, 0 }, { "locks", locks, 0 }, { "memory", memory, 0 }, { "shm", shared_memory, 0 }, { "inotify", watches, 0 },
	{ "pipes", pipes, 1 }, { "unix", unix_sockets, 1 }, { "tcp", tcp, 1 }, { "udp", udp, 1 },
	{ "tcp6", tcp6, 1 }, { "udp6", udp6, 1 }, { "epoll", events, 1 }, { "timers", timers, 1 },
	{ "signals", signals, 2 }, { "processes", processes, 2 }, { "threads", threads, 2 },
	{ "proc", proc, 2 }, { "sys", sys, 2 },
};
#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

/* Longer than this a kind does not take: what it waits for does not come. */
enum { SECONDS_A_KIND = 20 };
static void on_alarm(int number) { (void)number; }

static void work(int group, long rounds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	char stop[128];
	sigaction(SIGALRM, &action, NULL);
	snprintf(stop, sizeof(stop), "%s/stop", folder);
	for (long round = 0; rounds ? round < rounds : access(stop, F_OK) != 0; round++) {
		for (current = 0; current < KINDS; current++) {
			struct state *at = &state[current];
			if (kinds[current].group != group || at->absent || at->failed) continue;
			errno = 0;
			alarm(SECONDS_A_KIND);
			int got = kinds[current].run();
			alarm(0);
			if (got == DONE) at->times++;
			else if (got == ABSENT && at->times == 0) at->absent = 1;
			else at->failed = 1;
		}
		usleep(2000);
	}
	_exit(0);
}

int main(int count, char **words)
{
	int status, bad = 0;
	if (count == 3 && strcmp(words[1], "--exit") == 0) return atoi(words[2]);
	folder = count > 1 ? words[1] : "/tmp";
	signal(SIGPIPE, SIG_IGN);
	state = mmap(NULL, sizeof(*state) * KINDS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED) return 2;
	for (int group = 0; group < 3; group++)
		if (fork() == 0) work(group, count > 2 ? atol(words[2]) : 0);
	while (wait(&status) > 0) bad |= !WIFEXITED(status);
	for (int i = 0; i < KINDS; i++) {
		if (state[i].failed) printf("%s FAILED: %s\n", kinds[i].name, state[i].why);
		else if (state[i].absent) printf("%s absent\n", kinds[i].name);
		else printf("%s %ld\n", kinds[i].name, state[i].times);
		bad |= state[i].failed;
	}
	return bad;
}
