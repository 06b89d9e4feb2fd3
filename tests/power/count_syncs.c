/* Counts syncs of a program: preloaded, it appends one byte to the file that SYNC_LOG names after each
 * fsync and fdatasync that came back. `kill -9` cannot see a missing sync, because the page cache
 * survives it; this can. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void note(void) {
    const char *path = getenv("SYNC_LOG");
    if (!path) return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (fd < 0) return;
    ssize_t written = write(fd, ".", 1);
    (void)written;
    close(fd);
}

int fsync(int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(fd);
    if (result == 0) note();
    return result;
}

int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(fd);
    if (result == 0) note();
    return result;
}
