/*
 * A line as words: a shell's quoting, and none of its expansions.
 *
 * - Words stand apart by spaces and tabs. Quoted and plain text side by side is one word.
 * - 'text' is the text as it stands.
 * - "text" is the text; \" \\ \$ \` in it stand for the character after the backslash, and any other
 *   backslash for itself.
 * - $'text' is the text with C's escapes: \a \b \e \E \f \n \r \t \v \\ \' \" \?, \NNN (one to three
 *   octal digits), \xHH (one or two hexadecimal ones). So the words that bash's `printf %q` and
 *   ${NAME@Q} write are read back byte by byte, newlines included.
 * - A backslash elsewhere takes the next character's meaning away.
 * - # at the beginning of a word starts a comment, which goes to the end of the line.
 * - No other character is special.
 *
 * Bytes are any but NUL, which no channel, payload or connection string can hold.
 */
#ifndef PGWAIT_SHELL_WORDS_H
#define PGWAIT_SHELL_WORDS_H

#include "base/util.h"

/* C strings; owned. A blank line and a comment have none. */
struct shell_words {
	char **list;
	size_t count;
};

/*
 * `line` is without its newline. False with *error, which the caller frees, where it is not well
 * formed; `words` is empty then. The error quotes nothing of the line, which may hold a password
 * (fact F21): it names a place, in characters from 1.
 */
MUST_CHECK bool shell_words_split(
    const char *line, size_t length, struct shell_words *words, char **error);
void shell_words_free(struct shell_words *words);

#endif
