/*
 * Random numbers for spreading load over time and servers. They are no secrets: those come from portable_random().
 */
#ifndef PGWAIT_RANDOM_H
#define PGWAIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

uint32_t random_number(void);

/* Puts the items of an array, of `size` bytes each, into a random order. */
void random_shuffle(void *items, size_t count, size_t size);

#endif
