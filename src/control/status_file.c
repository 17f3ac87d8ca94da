#include "config.h"

#include "control/status_file.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/portable.h"
#include "base/random.h"
#include "control/status.h"
#include "control/status_facts.h"
#include "control/status_metrics.h"
#include "record/json_writer.h"

/* The most time between two writes; and the least, after a state changed, and after anything else did. */
#define REFRESH (5 * SECOND)
#define STATES  (SECOND / 10)
#define COUNTS  SECOND
/* How a file of JSON begins, and one of metrics. */
#define JSON_START    "{\"time\":"
#define METRICS_START "# HELP pgwait_"

/* Writing takes one part of so many of the time. */
#define SHARE 20

/* The name of a file that is being written, before its 8 random digits; and the seconds after which nobody writes it any more. */
#define TEMPORARY ".pgwait-status."
#define DIGITS    8
#define LEFT      60

struct status_file {
	struct manager *manager;
	const char *path;
	char *process; /* of the metrics; NULL: it is JSON */
	struct event timer;
	int64_t due, armed; /* when to look next, and the time that the timer has */
	int64_t written;    /* when it was written last */
	int64_t cost;       /* how long that took */
	uint64_t changes;   /* manager_changes(), when it was last looked at */
	struct buffer body; /* of what was written last, without the time */
	struct stat mine;   /* of the file that was written last, */
	bool there;         /* if there was one */
	bool warned;
};

/* ----- Replacing the file */

/* How what was written before begins. It may be empty, too: after a power failure, or as mktemp(1) makes it. */
static bool
is_status(const char *start, size_t length)
{
	static const char *const starts[] = {JSON_START, METRICS_START};

	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
		if (strncmp(start, starts[i], strlen(starts[i])) == 0)
			return true;
	return length == 0;
}

/*
 * Why what is there must not be replaced; NULL: it may be, or nothing is there. It may be /dev/null; or /dev/stdout, a
 * symbolic link that leads to a file if the shell says so; or the file of --spool, or any other that somebody needs.
 */
static const char *
not_replaceable(const char *path)
{
	char start[64] = "";
	struct stat st;
	ssize_t n;
	int fd;

	if (lstat(path, &st) < 0)
		return NULL;
	if (S_ISDIR(st.st_mode))
		return strerror(EISDIR);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, start, sizeof start - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return errno == ENOENT ? NULL : strerror(errno);
	return is_status(start, (size_t)n) ? NULL : "the file that is there is no status file";
}

static bool
write_all(int fd, const struct buffer *content)
{
	const char *at = buffer_content(content), *end = at + buffer_length(content);

	while (at < end) {
		ssize_t n = write(fd, at, (size_t)(end - at));

		if (n < 0 && errno != EINTR)
			return false;
		at += n < 0 ? 0 : n;
	}
	return true;
}

/* Writes a new file at `path`. False with errno: that failed, and no file is there. */
static bool
write_new(const char *path, const struct buffer *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666), error = 0;

	if (fd < 0)
		return false;
	if (!write_all(fd, content))
		error = errno;
	if (close(fd) < 0 && errno != EINTR && !error)
		error = errno;
	if (error)
		unlink(path);
	errno = error;
	return !error;
}

/* Its directory, with the slash at the end, or "" for the working directory. The caller frees it. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return xstrndup(path, slash ? (size_t)(slash + 1 - path) : 0);
}

/* A new name in its directory, which is short enough whatever its own name is. The caller frees it. */
static char *
name_beside(const char *path)
{
	char *directory = directory_of(path);
	char *name = xasprintf("%s" TEMPORARY "%0*x", directory, DIGITS, (unsigned)random_number());

	free(directory);
	return name;
}

/* Writes a file beside it, and gives it the name. Returns why that failed; NULL: it did not. */
static const char *
replace(struct status_file *f, const struct buffer *content)
{
	const char *problem = not_replaceable(f->path);
	struct stat st = {0};
	char *beside;

	if (problem)
		return problem;
	beside = name_beside(f->path);
	if (!write_new(beside, content)) {
		problem = strerror(errno);
	} else if (lstat(beside, &st) < 0 || rename(beside, f->path) < 0) {
		problem = strerror(errno);
		unlink(beside);
	} else {
		f->mine = st;
		f->there = true;
	}
	free(beside);
	return problem;
}

static bool
is_temporary(const char *name)
{
	size_t n = strlen(TEMPORARY);

	return strncmp(name, TEMPORARY, n) == 0 && strlen(name) == n + DIGITS &&
	       strspn(name + n, "0123456789abcdef") == DIGITS;
}

/* Removes what processes that were killed while they wrote have left in the directory. */
static void
remove_left(const char *path)
{
	char *directory = directory_of(path);
	DIR *d = opendir(*directory ? directory : ".");
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		if (is_temporary(e->d_name) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < time(NULL) - LEFT)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	free(directory);
}

/* Another process's file can have the inode of one of ours that it replaced, but was written later. */
static bool
is_mine(const struct status_file *f)
{
	const struct stat *a = &f->mine;
	struct timespec ours, its;
	struct stat b;

	if (!f->there || lstat(f->path, &b) < 0)
		return false;
	ours = portable_changed(a);
	its = portable_changed(&b);
	return a->st_dev == b.st_dev && a->st_ino == b.st_ino && ours.tv_sec == its.tv_sec &&
	       ours.tv_nsec == its.tv_nsec;
}

/* ----- What is in it */

static void
add_body(const struct status_file *f, struct buffer *out, const struct status_facts *facts)
{
	if (f->process)
		status_metrics_write(out, facts, f->process);
	else
		status_write_keys(out, facts);
}

/* The body, and the time. */
static void
add_all(const struct status_file *f, struct buffer *out, const struct status_facts *facts)
{
	if (f->process) {
		buffer_add(out, buffer_content(&f->body), buffer_length(&f->body));
		status_metrics_write_time(out, facts, f->process);
		return;
	}
	buffer_addf(out, JSON_START);
	json_writer_time(out, facts->time);
	buffer_addf(out, ",\"unix_time\":");
	json_writer_seconds(out, facts->time);
	buffer_addf(out, ",");
	buffer_add(out, buffer_content(&f->body), buffer_length(&f->body));
	buffer_addf(out, "}\n");
}

static bool
is_same(const struct buffer *a, const struct buffer *b)
{
	const char *x = buffer_content(a), *y = buffer_content(b);
	size_t n = buffer_length(a);

	return x && y && n == buffer_length(b) && memcmp(x, y, n) == 0;
}

/*
 * Writes it, if anything has changed, or it is old. Returns why that failed, and it is tried again at the next look; NULL: it
 * did not.
 */
static const char *
refresh(struct status_file *f, int64_t now)
{
	struct status_facts facts;
	struct buffer body = {0}, all = {0};
	const char *problem = NULL;

	status_facts_collect(&facts, f->manager);
	add_body(f, &body, &facts);
	if (!is_same(&body, &f->body) || now - f->written >= REFRESH) {
		buffer_free(&f->body);
		f->body = body;
		body = (struct buffer){0};
		add_all(f, &all, &facts);
		problem = replace(f, &all);
		f->written = now;
	}
	if (problem)
		buffer_free(&f->body);
	buffer_free(&body);
	buffer_free(&all);
	status_facts_free(&facts);
	return problem;
}

/* ----- When */

/* The pass that follows every turn of the loop does the rest. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
arm(struct status_file *f, int64_t now)
{
	struct timeval tv;

	if (f->armed == f->due && evtimer_pending(&f->timer, NULL))
		return;
	f->armed = f->due;
	timeval_from(f->due > now ? f->due - now : 0, &tv);
	evtimer_add(&f->timer, &tv);
}

/* The least time from one look to the next. */
static int64_t
pause_of(const struct status_file *f, int64_t least)
{
	int64_t cheap = f->cost * SHARE;

	if (cheap > REFRESH)
		return REFRESH;
	return cheap > least ? cheap : least;
}

static const char *
look(struct status_file *f, int64_t now)
{
	const char *problem = refresh(f, now);

	f->cost = clock_monotonic() - now;
	f->due = now + pause_of(f, COUNTS);
	return problem;
}

static void
pass(void *arg)
{
	struct status_file *f = arg;
	uint64_t changes = manager_changes(f->manager);
	int64_t now = clock_monotonic(), soon = f->written + pause_of(f, STATES);

	if (changes != f->changes && soon < f->due)
		f->due = soon;
	f->changes = changes;
	if (now >= f->due) {
		const char *problem = look(f, now);

		if (problem && !f->warned)
			log_warning("could not write the status file \"%s\": %s", f->path, problem);
		f->warned = problem;
	}
	arm(f, now);
}

/* ----- Start and end */

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* The name of the file, without its directory and its end. */
static char *
process_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return xstrndup(name, strlen(name) - strlen(".prom"));
}

struct status_file *
status_file_new(struct manager *m, const char *path)
{
	struct status_file *f = xcalloc(1, sizeof *f);
	int64_t now = clock_monotonic();
	const char *problem;

	f->manager = m;
	f->path = path;
	f->process = ends_in(path, ".prom") ? process_of(path) : NULL;
	evtimer_assign(&f->timer, manager_base(m), on_timer, f);
	remove_left(path);
	problem = look(f, now);
	if (problem) {
		log_error("could not write the status file \"%s\": %s", path, problem);
		status_file_free(f);
		return NULL;
	}
	arm(f, now);
	manager_on_pass(m, pass, f);
	return f;
}

void
status_file_stop(struct status_file *f)
{
	if (!f)
		return;
	event_del(&f->timer);
	manager_on_pass(f->manager, NULL, NULL);
}

void
status_file_free(struct status_file *f)
{
	if (!f)
		return;
	if (is_mine(f))
		unlink(f->path);
	free(f->process);
	buffer_free(&f->body);
	free(f);
}
