/*
 * Our own signs of life that one connection of the active process has received, and which of them stand behind what is
 * delivered (life_sign_sender.h).
 */
#ifndef PGWAIT_HEARD_SIGNS_H
#define PGWAIT_HEARD_SIGNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEARD_SIGNS_MAX 64 /* the processes that wait remember as many */

/* Zeroed: none. */
struct heard_signs {
	struct {
		int64_t number;
		uint64_t at; /* what is kept before it has a smaller number */
	} list[HEARD_SIGNS_MAX];
	size_t count;
	int64_t delivered; /* the last sign before which everything is delivered; 0: none */
};

/* A sign came, which is forgotten if it is no later one than the last, or if there are too many. */
void heard_signs_add(struct heard_signs *h, int64_t number, uint64_t at);

/* Everything that is kept with a smaller number is delivered. True: so a later sign is delivered than before. */
bool heard_signs_deliver(struct heard_signs *h, uint64_t number);

/*
 * Another connection to the same database goes, which had only heard what is before the sign `delivered` of what is
 * delivered: what it received is kept with numbers before `at`, though it may have been sent before signs that are heard
 * here. So those are delivered when that is.
 */
void heard_signs_hold_back(struct heard_signs *h, int64_t delivered, uint64_t at);

#endif
