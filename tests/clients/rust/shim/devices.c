/*
 * Gives a program, unchanged, the devices and files of another machine: preloaded, it takes the place of the C
 * library's functions that open a file. The TPM is swtpm at a port of the loopback interface, whose data channel
 * takes and gives the same bytes as the kernel's device; files are in a folder.
 *
 * In C, and loaded into that program alone, so that no unsafe Rust is needed for it.
 *
 * GUEST_TPM_PORT: the port of swtpm. GUEST_FILES: the folder, with the whole paths below it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the machine's own files are not to be read for. */
static const char *const FILES[] = {"/etc/os-release", "/sys/kernel/security/tpm0/binary_bios_measurements"};

static int open_tpm(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int is_device(const char *path)
{
    return strcmp(path, "/dev/tpmrm0") == 0 || strcmp(path, "/dev/tpm0") == 0;
}

/* The path that is opened in the place of another; NULL if it would be too long. */
static const char *place_of(const char *path, char *place)
{
    const char *folder = getenv("GUEST_FILES");
    for (size_t i = 0; folder != NULL && i < sizeof FILES / sizeof *FILES; i++) {
        if (strcmp(path, FILES[i]) == 0)
            return snprintf(place, PATH_MAX, "%s%s", folder, path) < PATH_MAX ? place : NULL;
    }
    return path;
}

typedef int (*open_function)(const char *, int, ...);

static int redirected(const char *name, const char *path, int flags, mode_t mode)
{
    const char *port = getenv("GUEST_TPM_PORT");
    if (port != NULL && is_device(path))
        return open_tpm(port);
    char place[PATH_MAX];
    path = place_of(path, place);
    if (path == NULL) {
        errno = ENAMETOOLONG;
        return -1;
    }
    open_function next = (open_function)dlsym(RTLD_NEXT, name);
    return next(path, flags, mode);
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return redirected("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return redirected("open64", path, flags, mode);
}
