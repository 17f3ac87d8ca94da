/*
 * What a command gets for a record: environment variables (man page, ENVIRONMENT), and the payload
 * on its standard input. It is packed into bytes, so that it can wait in a queue, and depends on
 * the record alone.
 *
 * Text is UTF-8. Bytes that are invalid in the server's encoding are passed on unchanged.
 */
#ifndef PGWAIT_HOOK_ENV_H
#define PGWAIT_HOOK_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct buffer;
struct record;

/*
 * A longer string makes exec fail (fact F22). A payload beyond this, or with a zero byte, is on standard
 * input only; other text is cut.
 */
#define HOOK_ENV_TEXT_MAX ((size_t)32 << 10)

/* Variables of one command, at most. */
#define HOOK_ENV_MAX 8

/*
 * Appends what a command gets for the record `r`; or what a command gets for a batch of `count` notifications, at `time`.
 * `takeover`: one of them has this mark.
 */
void hook_env_pack(const struct record *r, struct buffer *out);
void hook_env_pack_batch(uint64_t count, bool takeover, int64_t time, struct buffer *out);

/* What goes to a command's standard input. */
struct input {
	const char *bytes;
	size_t length;
};

/* Points variables[] and *input into `n` packed bytes, and returns how many variables there are. */
size_t hook_env_unpack(char *packed, size_t n, char *variables[HOOK_ENV_MAX], struct input *input);

/*
 * pgwait's own environment without variables of ours (PGWAIT_*) and those that are for the main process of a
 * systemd service, *count of them, with room for HOOK_ENV_MAX more and a NULL after those. The array is
 * the caller's, the strings are not.
 */
char **hook_env_inherited(size_t *count);

#endif
