/*
 * Stands between SQLite and the kernel, by LD_PRELOAD: what is done to the files of one folder fails at a chosen call, or
 * takes its time. The file CONTROL holds three numbers, which whoever tests changes at any time: how many calls succeed
 * yet (negative: all), the errno of the one after them, and the microseconds that a sync takes. FOLDER is the folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile int32_t *control(void) {
  static volatile int32_t *found;
  if (!found) {
    int fd = open(getenv("FAULTS_CONTROL"), O_RDWR);
    found = mmap(0, 12, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
  }
  return found;
}

static int ours(int fd) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  const char *folder = getenv("FAULTS_FOLDER");
  return length > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

static int fails(int fd) {
  if (!ours(fd) || control()[0] < 0) return 0;
  if (control()[0]-- > 0) return 0;
  errno = control()[1];
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return fails(fd) ? -1 : NEXT(pwrite64)(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return fails(fd) ? -1 : NEXT(pwrite)(fd, bytes, count, offset);
}

int ftruncate64(int fd, off64_t length) {
  return fails(fd) ? -1 : NEXT(ftruncate64)(fd, length);
}

static int slow(int fd) {
  if (ours(fd) && control()[2] > 0) usleep(control()[2]);
  return fails(fd);
}

int fsync(int fd) {
  return slow(fd) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd) {
  return slow(fd) ? -1 : NEXT(fdatasync)(fd);
}
