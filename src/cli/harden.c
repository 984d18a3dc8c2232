#include "cli/harden.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Limit 1 and not 0: the kernel passes a core to the program that core_pattern names even when
 * the limit is 0, but never when it is 1. See: core(5)
 */
#define CORE_BYTES_MAX 1

void
cli_forbid_core(void)
{
	struct rlimit limit = {CORE_BYTES_MAX, CORE_BYTES_MAX};

	/* Refused where the limit is 0 already. */
	(void)setrlimit(RLIMIT_CORE, &limit);
}

/* open gives the lowest free descriptor, which is the one that was found closed. */
void
cli_open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_FAILURE);
}

void
cli_forbid_privileges(void)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int
_gnutls_global_init_skip(void)
{
	return 1;
}
