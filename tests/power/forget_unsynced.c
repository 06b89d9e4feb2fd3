/* A disk that forgets: preloaded, it keeps beside each file whose path begins with POWER_TRACK a second
 * one, in the folder POWER_DISK, that holds only what was synced. After `kill -9` the page cache still
 * has everything; whoever puts the second files in the place of the first sees what a power cut leaves.
 *
 * With POWER_DEAF=1 syncs are answered and not done: a proof that this disk forgets.
 *
 * Shared memory (`-shm`) is no part of what must survive and is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FILES 16
#define MOST_FDS 65536

struct file {
    char path[4096];
    char kept[4096];
    off_t from, to; /* written since the last sync */
};

static struct file files[MOST_FILES];
static unsigned char file_of[MOST_FDS]; /* 0: none; else its place in `files`, plus one */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void copy(int from, const char *path, off_t at, off_t end, off_t size) {
    char block[65536];
    int to = REAL(open64)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0) abort();
    if (end > size) end = size;
    while (at < end) {
        size_t wanted = (size_t)(end - at) < sizeof block ? (size_t)(end - at) : sizeof block;
        ssize_t got = pread64(from, block, wanted, at);
        if (got <= 0) break;
        if (REAL(pwrite64)(to, block, (size_t)got, at) != got) abort();
        at += got;
    }
    if (REAL(ftruncate64)(to, size) != 0) abort();
    REAL(close)(to);
}

/* A file that is opened is on the disk as it is, unless this disk knows it already. */
static void opened(int fd, const char *path) {
    const char *track = getenv("POWER_TRACK"), *disk = getenv("POWER_DISK");
    if (fd < 0 || fd >= MOST_FDS || !track || !disk || !path) return;
    char whole[4096];
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        char here[2048];
        if (!getcwd(here, sizeof here)) return;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
    }
    if (strncmp(whole, track, strlen(track)) != 0) return;
    const char *rest = whole + strlen(track);
    if (strcmp(rest, "") != 0 && strcmp(rest, "-wal") != 0) return;
    pthread_mutex_lock(&lock);
    int place = 0;
    while (place < MOST_FILES && files[place].path[0] && strcmp(files[place].path, whole) != 0) place++;
    if (place == MOST_FILES) abort();
    struct file *file = &files[place];
    if (!file->path[0]) {
        struct stat64 is;
        snprintf(file->path, sizeof file->path, "%s", whole);
        snprintf(file->kept, sizeof file->kept, "%s/db%s", disk, rest);
        if (access(file->kept, F_OK) != 0 && fstat64(fd, &is) == 0 && is.st_size > 0) {
            int again = REAL(open64)(whole, O_RDONLY | O_CLOEXEC);
            copy(again, file->kept, 0, is.st_size, is.st_size);
            REAL(close)(again);
        }
    }
    file_of[fd] = (unsigned char)(place + 1);
    pthread_mutex_unlock(&lock);
}

static struct file *of(int fd) {
    return fd >= 0 && fd < MOST_FDS && file_of[fd] ? &files[file_of[fd] - 1] : NULL;
}

static void wrote(int fd, off_t at, ssize_t count) {
    struct file *file = of(fd);
    if (!file || count <= 0) return;
    pthread_mutex_lock(&lock);
    if (file->to == file->from) {
        file->from = at;
        file->to = at + count;
    } else {
        if (at < file->from) file->from = at;
        if (at + count > file->to) file->to = at + count;
    }
    pthread_mutex_unlock(&lock);
}

static int synced(int fd, int (*real)(int)) {
    struct file *file = of(fd);
    struct stat64 is;
    if (!file) return real(fd);
    if (getenv("POWER_DEAF")) return 0;
    pthread_mutex_lock(&lock);
    if (fstat64(fd, &is) == 0) copy(fd, file->kept, file->from, file->to, is.st_size);
    file->from = file->to = 0;
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

#define OPEN(name)                                                  \
    int name(const char *path, int flags, ...) {                    \
        va_list more;                                               \
        va_start(more, flags);                                      \
        int mode = va_arg(more, int);                               \
        va_end(more);                                               \
        int fd = REAL(name)(path, flags, mode);                     \
        opened(fd, path);                                           \
        return fd;                                                  \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (fd >= 0 && fd < MOST_FDS) file_of[fd] = 0;
    return REAL(close)(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    struct file *file = of(fd);
    ssize_t done = REAL(write)(fd, bytes, count);
    if (file && done > 0) wrote(fd, lseek64(fd, 0, SEEK_CUR) - done, done);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    ssize_t done = REAL(pwrite)(fd, bytes, count, at);
    wrote(fd, at, done);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t done = REAL(pwrite64)(fd, bytes, count, at);
    wrote(fd, at, done);
    return done;
}

/* SQLite takes its log away when the last connection closes it in order. */
int unlink(const char *path) {
    int done = REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    for (int place = 0; done == 0 && place < MOST_FILES; place++) {
        const char *known = files[place].path;
        size_t longer = strlen(known), given = strlen(path);
        if (known[0] && given <= longer && strcmp(known + longer - given, path) == 0)
            REAL(unlink)(files[place].kept);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
