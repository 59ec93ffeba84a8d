/*
 * Included before the recorder. Redis writes the title of its process over its environment, where the recorder would keep
 * pointing: it is given copies.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

static char *lasting_getenv(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? NULL : strdup(value);
}

#define getenv lasting_getenv
