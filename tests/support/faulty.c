/* A disk that fails, between a program and the C library (LD_PRELOAD; Linux).
 *
 * Operations on files under the folder given to fault_arm are counted: opening, writing, fsync, renaming, unlinking,
 * making folders. At number `at` the process kills itself (action 1), or from there on whatever needs room on the disk
 * fails with ENOSPC (action 2), a write after it has taken a half. Nothing happens before fault_arm. Calls that the C
 * library makes within itself are not seen, but for fwrite, with which numpy writes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING, KILL, FULL };
static char root[PATH_MAX];
static long count, at;
static int action;
static pid_t armed_in;

void fault_arm(const char *folder, int what, long number) {
    strncpy(root, folder, sizeof root - 1);
    action = what, at = number, count = 0, armed_in = getpid();
}
long fault_count(void) { return count; }

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int ours(int folder, const char *path) {
    char whole[2 * PATH_MAX], name[64];
    size_t length = strlen(root);
    ssize_t n;
    if (!length || armed_in != getpid() || !path) return 0;
    if (path[0] == '/') return !strncmp(path, root, length);
    if (folder == AT_FDCWD) { if (!getcwd(whole, PATH_MAX)) return 0; return !strncmp(whole, root, length); }
    snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
    n = readlink(name, whole, PATH_MAX - 1);
    if (n < 0) return 0;
    whole[n] = 0;
    return !strncmp(whole, root, length);
}
static int ours_open(int descriptor) { return ours(descriptor, "."); }

/* Count one operation; true if it is to fail for want of room. */
static int fails(int needs_room) {
    long number = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    if (action == KILL && number == at) raise(SIGKILL);
    if (action == FULL && number >= at && needs_room) { errno = ENOSPC; return 1; }
    return 0;
}

#define OPEN(name) int name(const char *path, int flags, ...) { \
    REAL(int, #name, const char *, int, ...); mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (ours(AT_FDCWD, path) && fails((flags & O_CREAT) && access(path, F_OK))) return -1; \
    return real(path, flags, mode); }
OPEN(open)
OPEN(open64)

#define OPENAT(name) int name(int folder, const char *path, int flags, ...) { \
    REAL(int, #name, int, const char *, int, ...); mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (ours(folder, path) && fails((flags & O_CREAT) && faccessat(folder, path, F_OK, 0))) return -1; \
    return real(folder, path, flags, mode); }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int descriptor, const void *content, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (ours_open(descriptor) && fails(size > 0)) {
        if (count == at && size > 1) return real(descriptor, content, size / 2);
        return -1;
    }
    return real(descriptor, content, size);
}
ssize_t writev(int descriptor, const struct iovec *parts, int number) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (ours_open(descriptor) && fails(1)) return -1;
    return real(descriptor, parts, number);
}
size_t fwrite(const void *content, size_t size, size_t number, FILE *file) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (root[0] && ours_open(fileno(file)) && fails(1)) return number / 2;
    return real(content, size, number, file);
}
int fsync(int descriptor) {
    REAL(int, "fsync", int);
    if (ours_open(descriptor) && fails(1)) return -1;
    return real(descriptor);
}
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (ours(AT_FDCWD, to) && fails(0)) return -1;
    return real(from, to);
}
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (ours(AT_FDCWD, path) && fails(0)) return -1;
    return real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    if (ours(folder, path) && fails(0)) return -1;
    return real(folder, path, flags);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    if (ours(AT_FDCWD, path) && fails(access(path, F_OK) != 0)) return -1;
    return real(path, mode);
}
int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    if (ours(AT_FDCWD, path) && fails(0)) return -1;
    return real(path);
}
