/*
 * Preloaded below SQLite: writes down every write and every sync of the files in RECORDER_FOLDER, in order, so that the
 * disk can be rebuilt as a power cut would have left it. With RECORDER_KILL_AT=n the process dies at its n-th such call,
 * half-way through it where it is a write.
 *
 * One entry of the journal: kind ('w' write, 's' sync, 't' truncate, 'u' unlink), offset, length, length of the name, name, bytes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int journal = -1;
static long calls = 0;
static long kill_at = -1;
static const char *folder;
static size_t folder_length;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate64)(int, off64_t);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void start(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate64 = dlsym(RTLD_NEXT, "ftruncate64");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  folder = getenv("RECORDER_FOLDER");
  if (folder == NULL) return;
  /* A copy: a process may write its title over its environment, as Redis does. */
  folder = strdup(folder);
  folder_length = strlen(folder);
  const char *path = getenv("RECORDER_JOURNAL");
  if (path != NULL) journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char *at = getenv("RECORDER_KILL_AT");
  if (at != NULL) kill_at = atol(at);
}

/* The file's name within the folder, or NULL for any other file. */
static const char *watched(int fd, char *buffer, size_t size) {
  if (folder == NULL || fd < 3) return NULL;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length <= (ssize_t)folder_length) return NULL;
  buffer[length] = 0;
  if (strncmp(buffer, folder, folder_length) != 0 || buffer[folder_length] != '/') return NULL;
  return buffer + folder_length + 1;
}

/* Syncs come from a thread of their own: entries must not run into each other. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void record(char kind, const char *name, int64_t offset, const void *bytes, int64_t length) {
  if (journal < 0) return;
  pthread_mutex_lock(&one_at_a_time);
  int64_t head[3] = {offset, length, (int64_t)strlen(name)};
  real_write(journal, &kind, 1);
  real_write(journal, head, sizeof head);
  real_write(journal, name, head[2]);
  if (bytes != NULL) real_write(journal, bytes, length);
  pthread_mutex_unlock(&one_at_a_time);
}

static int dies_now(void) { return ++calls == kill_at; }

static void die(void) { kill(getpid(), SIGKILL); }

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  char buffer[4096];
  const char *name = watched(fd, buffer, sizeof buffer);
  if (name != NULL) {
    if (dies_now()) {
      real_pwrite64(fd, bytes, length / 2, offset);
      die();
    }
    record('w', name, offset, bytes, length);
  }
  return real_pwrite64(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
  char buffer[4096];
  const char *name = watched(fd, buffer, sizeof buffer);
  if (name != NULL) {
    if (dies_now()) {
      real_write(fd, bytes, length / 2);
      die();
    }
    record('w', name, lseek(fd, 0, SEEK_CUR), bytes, length);
  }
  return real_write(fd, bytes, length);
}

static void synced(int fd) {
  char buffer[4096];
  const char *name = watched(fd, buffer, sizeof buffer);
  if (name == NULL) return;
  if (dies_now()) die();
  record('s', name, 0, NULL, 0);
}

/* The journal is what counts here, so the machine's disk need not be waited for. */
int fsync(int fd) {
  char buffer[4096];
  synced(fd);
  return watched(fd, buffer, sizeof buffer) != NULL ? 0 : real_fsync(fd);
}

int fdatasync(int fd) {
  char buffer[4096];
  synced(fd);
  return watched(fd, buffer, sizeof buffer) != NULL ? 0 : real_fdatasync(fd);
}

int ftruncate64(int fd, off64_t length) {
  char buffer[4096];
  const char *name = watched(fd, buffer, sizeof buffer);
  if (name != NULL) {
    if (dies_now()) die();
    record('t', name, length, NULL, 0);
  }
  return real_ftruncate64(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
  if (folder != NULL && strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/') {
    if (dies_now()) die();
    record('u', path + folder_length + 1, 0, NULL, 0);
  }
  return real_unlink(path);
}
