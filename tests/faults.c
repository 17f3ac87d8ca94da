/*
 * A library for LD_PRELOAD that lets one call fail: FAULT=FUNCTION:N makes the Nth call of FUNCTION in this
 * process fail once, FAULT=FUNCTION:N+ that one and all that follow. What happened is added to the file
 * FAULT_LOG, with the stack. Children are left alone. FUNCTION is a name in this file; `memory` stands for
 * malloc, calloc and realloc, but for those of libpq itself, which are `libpq_memory`.
 *
 * The host "two.example" has the addresses 127.0.0.1 and 127.0.0.2, in this order.
 *
 * SQLITE_LENGTH=BYTES makes SQLite one whose rows and values have that length at most.
 *
 * STOPS=TEXT stops the process (SIGSTOP) right before each write of TEXT.
 *
 * CLOCKS=FILE makes Unix time, and the time that goes on in suspend, as many seconds later as the two numbers in the file
 * say, if it is there: as if the clock was set, and as if the machine had slept.
 */
#include "config.h"
/* Where a long has 32 bits, open() and open64() would be one symbol. */
#undef _FILE_OFFSET_BITS
/* It has functions of its own in place of those that are here. */
#undef _FORTIFY_SOURCE
#undef _TIME_BITS

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static char function[32];
static long nth;
static bool and_on;
static const char *log_path;
static pid_t owner; /* 0: nothing fails */
static atomic_long calls;

static void __attribute__((constructor)) arm(void)
{
	const char *spec = getenv("FAULT"), *colon = spec ? strchr(spec, ':') : NULL;
	char *end;
	void *stack[1];

	log_path = getenv("FAULT_LOG");
	if (!colon || !log_path || (size_t)(colon - spec) >= sizeof function)
		return;
	memcpy(function, spec, (size_t)(colon - spec));
	nth = strtol(colon + 1, &end, 10);
	and_on = *end == '+';
	unsetenv("LD_PRELOAD");
	backtrace(stack, 1); /* the first call allocates */
	owner = getpid();
}

/* Of the first one only. */
static void
report(void)
{
	pid_t pid = owner;
	void *stack[30];
	int fd;

	owner = 0;
	fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		abort();
	backtrace_symbols_fd(stack, backtrace(stack, 30), fd);
	close(fd);
	owner = pid;
}

/* A child that shares our memory (vfork) has another pid. */
static bool
fails(const char *name, int error)
{
	long call;

	if (owner == 0 || strcmp(name, function) != 0 || getpid() != owner)
		return false;
	call = atomic_fetch_add(&calls, 1) + 1;
	if (call != nth && !(and_on && call > nth))
		return false;
	if (call == nth)
		report();
	errno = error;
	return true;
}

static void *
next(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol)
		abort();
	return symbol;
}

#define WRAPPED(type, name, group, error, failure, parameters, arguments)                          \
	EXPORTED type name parameters;                                                             \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*real) parameters;                                                     \
                                                                                                   \
		if (fails(group, error))                                                           \
			return failure;                                                            \
		if (!real)                                                                         \
			*(void **)&real = next(#name);                                             \
		return real arguments;                                                             \
	}

/* clang-format off */
WRAPPED(ssize_t, writev, "write", EIO, -1, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAPPED(ssize_t, pwritev2, "write", EIO, -1,
    (int fd, const struct iovec *v, int n, off_t at, int flags), (fd, v, n, at, flags))
WRAPPED(ssize_t, pwrite64, "pwrite", ENOSPC, -1, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAPPED(ssize_t, pread64, "pread", EIO, -1, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
WRAPPED(int, fdatasync, "sync", EIO, -1, (int fd), (fd))
WRAPPED(int, fsync, "sync", EIO, -1, (int fd), (fd))
WRAPPED(int, pipe, "pipe", EMFILE, -1, (int fds[2]), (fds))
WRAPPED(int, pipe2, "pipe", EMFILE, -1, (int fds[2], int flags), (fds, flags))
WRAPPED(int, socketpair, "pipe", EMFILE, -1, (int domain, int type, int protocol, int fds[2]),
    (domain, type, protocol, fds))
WRAPPED(int, socket, "socket", EMFILE, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAPPED(int, connect, "connect", ECONNREFUSED, -1, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAPPED(int, epoll_create1, "epoll_create1", EMFILE, -1, (int flags), (flags))
WRAPPED(int, epoll_ctl, "epoll_ctl", ENOSPC, -1, (int fd, int what, int of, struct epoll_event *e),
    (fd, what, of, e))
WRAPPED(int, epoll_wait, "epoll_wait", EINVAL, -1, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))
WRAPPED(int, pthread_create, "pthread_create", EAGAIN, EAGAIN,
    (pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *arg), (thread, how, run, arg))
/* clang-format on */

EXPORTED int
getaddrinfo(
    const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	int error;

	if (fails("getaddrinfo", ENOMEM))
		return EAI_MEMORY;
	if (!real)
		*(void **)&real = next("getaddrinfo");
	if (!host || strcmp(host, "two.example") != 0)
		return real(host, port, hints, list);
	error = real("127.0.0.1", port, hints, list);
	return error ? error : real("127.0.0.2", port, hints, &(*list)->ai_next);
}

static bool
is_from(const void *address, const char *library)
{
	Dl_info info;

	return dladdr(address, &info) && strstr(info.dli_fname, library);
}

/* libevent tells itself of signals through a pipe, which never fails. */
EXPORTED ssize_t write(int fd, const void *p, size_t n);
ssize_t
write(int fd, const void *p, size_t n)
{
	static ssize_t (*real)(int fd, const void *p, size_t n);
	const char *stops = getenv("STOPS");

	if (stops && memmem(p, n, stops, strlen(stops)))
		raise(SIGSTOP);
	if (owner && !is_from(__builtin_return_address(0), "/libevent") && fails("write", EIO))
		return -1;
	if (!real)
		*(void **)&real = next("write");
	return real(fd, p, n);
}

/* As it is when the other end goes: this call fails, and so do all that follow. */
static bool
is_reset(const char *name, int fd)
{
	if (!fails(name, ECONNRESET))
		return false;
	shutdown(fd, SHUT_RDWR);
	errno = ECONNRESET;
	return true;
}

EXPORTED ssize_t send(int fd, const void *p, size_t n, int flags);
ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	static ssize_t (*real)(int fd, const void *p, size_t n, int flags);

	if (is_reset("send", fd))
		return -1;
	if (!real)
		*(void **)&real = next("send");
	return real(fd, p, n, flags);
}

EXPORTED ssize_t recv(int fd, void *p, size_t n, int flags);
ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	static ssize_t (*real)(int fd, void *p, size_t n, int flags);

	if (is_reset("recv", fd))
		return -1;
	if (!real)
		*(void **)&real = next("recv");
	return real(fd, p, n, flags);
}

/* The descriptor is gone nevertheless, as on Linux. */
EXPORTED int close(int fd);
int
close(int fd)
{
	static int (*real)(int fd);
	int result;

	if (!real)
		*(void **)&real = next("close");
	result = real(fd);
	return fails("close", EIO) ? -1 : result;
}

#define OPEN(name)                                                                                 \
	EXPORTED int name(const char *path, int flags, ...);                                       \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		static int (*real)(const char *path, int flags, ...);                              \
		va_list ap;                                                                        \
		int mode;                                                                          \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = flags & O_CREAT ? va_arg(ap, int) : 0;                                      \
		va_end(ap);                                                                        \
		if (fails("open", EMFILE))                                                         \
			return -1;                                                                 \
		if (!real)                                                                         \
			*(void **)&real = next(#name);                                             \
		return real(path, flags, mode);                                                    \
	}
OPEN(open)
OPEN(open64)

WRAPPED(pid_t, fork, "fork", EAGAIN, -1, (void), ())

/* fork() in its place: a function that calls vfork() must not return in the child. */
EXPORTED pid_t vfork(void);
pid_t
vfork(void)
{
	return fork();
}

/* ----- SQLite with a lower limit */

static void *sqlite;

/* With a handle of the whole program, where what is here comes first. */
EXPORTED void *dlopen(const char *path, int mode);
void *
dlopen(const char *path, int mode)
{
	static void *(*real)(const char *path, int mode);

	if (!real)
		*(void **)&real = next("dlopen");
	if (!getenv("SQLITE_LENGTH") || !path || !strstr(path, "sqlite3"))
		return real(path, mode);
	sqlite = real(path, (mode & ~RTLD_LOCAL) | RTLD_GLOBAL);
	return sqlite ? real(NULL, RTLD_NOW) : NULL;
}

EXPORTED int sqlite3_open_v2(const char *path, void **db, int flags, const char *vfs);
int
sqlite3_open_v2(const char *path, void **db, int flags, const char *vfs)
{
	int (*real)(const char *path, void **db, int flags, const char *vfs);
	int (*limit)(void *db, int what, int most);
	int code;

	/* It is linked where the program does not load it. */
	*(void **)&real = sqlite ? dlsym(sqlite, "sqlite3_open_v2") : next("sqlite3_open_v2");
	*(void **)&limit = sqlite ? dlsym(sqlite, "sqlite3_limit") : next("sqlite3_limit");
	code = real(path, db, flags, vfs);
	if (code == 0 && getenv("SQLITE_LENGTH"))
		limit(*db, 0 /* SQLITE_LIMIT_LENGTH */, atoi(getenv("SQLITE_LENGTH")));
	return code;
}

#ifdef FAULT_MEMORY /* sanitizers have an allocator of their own */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static bool
out_of_memory(const void *caller)
{
	if (owner == 0 || !strstr(function, "memory"))
		return false;
	return fails(is_from(caller, "/libpq.so") ? "libpq_memory" : "memory", ENOMEM);
}

EXPORTED void *
malloc(size_t size)
{
	return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

EXPORTED void *
calloc(size_t n, size_t size)
{
	return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

EXPORTED void *
realloc(void *p, size_t size)
{
	return out_of_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(p, size);
}

#endif

EXPORTED int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *path = getenv("CLOCKS");
	char text[64] = "", *end;
	long realtime, boottime;
	int fd, result;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(clock, ts);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return result;
	if (read(fd, text, sizeof text - 1) > 0) {
		realtime = strtol(text, &end, 10);
		boottime = strtol(end, NULL, 10);
		ts->tv_sec += clock == CLOCK_REALTIME ? realtime : 0;
#ifdef CLOCK_BOOTTIME
		ts->tv_sec += clock == CLOCK_BOOTTIME ? boottime : 0;
#endif
	}
	close(fd);
	return result;
}
