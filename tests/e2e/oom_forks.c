/*
 * One run of a program that tries every allocation: at each one the program forks, the allocation
 * of the child fails, and the program goes on once the child has ended.
 *
 * A child may allocate, read and abort, but nothing that others could see: a system call that is
 * not in the lists below ends it. A child that aborts has therefore left the disk and the network
 * as they were when it was forked. The program itself is stopped before each system call that
 * others could see, so that all allocations between two of those make one class: whichever of them
 * aborts, what is left is the same. One allocation of each class has to be tried by a process of
 * its own, which is then resumed; and each of which the child went on.
 *
 * The file says, a line each:
 *
 *     class STACK NTH COUNT    one class, of COUNT aborts; the allocation of them to try
 *     on WAY STACK NTH         the child went on
 *     ended WAY STACK NTH S    it ended by itself or by another signal: its wait status S
 *
 * The time that children take does not count: by the monotonic clock the program runs as ever, or
 * else it would do things that no other process has to, a line of progress each second.
 *
 * A system call that is in no list can only make more classes, never fewer. The memory that SQLite
 * shares is changed only under a lock and behind a write, both of which end a child.
 */

#define _GNU_SOURCE
#include "oom.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define WENT_ON		  77 /* exit code of a child that would have been seen */
#define CPU_SECONDS_MAX	  5
#define LINE_BYTES_MAX	  96
#define INSTRUCTIONS_MAX  320
#define CANNOT_BEGIN_EXIT 99
#define NS_A_SECOND	  1000000000LL

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(ARCH)

/* The program's and the child's: nothing of them is seen from outside. */
static const int quiet_calls[] = {
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_futex,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_sigaltstack,
    SYS_tgkill,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_uname,
    SYS_sysinfo,
    SYS_prlimit64,
    SYS_fstat,
    SYS_newfstatat,
    SYS_faccessat,
    SYS_pread64,
    SYS_getcwd,
    SYS_readlinkat,
    SYS_close,
    SYS_restart_syscall,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_fstatfs,
    SYS_statfs,
#ifdef SYS_access
    SYS_access,
    SYS_stat,
    SYS_lstat,
    SYS_readlink,
    SYS_time,
#endif
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
};

/* The program's alone: what a dead process has taken from a socket, or locked, or waited for, is
 * as if it had not, but a child would take it from its parent. */
static const int private_calls[] = {
    SYS_read,
    SYS_readv,
    SYS_lseek,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_ppoll,
    SYS_pselect6,
    SYS_socket,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_getsockname,
    SYS_getpeername,
    SYS_fcntl,
    SYS_flock,
    SYS_ioctl,
    SYS_getdents64,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timer_create,
    SYS_timer_settime,
    SYS_timer_gettime,
    SYS_timer_delete,
    SYS_pipe2,
    SYS_dup,
    SYS_dup3,
    SYS_prctl,
    SYS_seccomp,
    SYS_set_tid_address,
    SYS_clone,
    SYS_exit,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_wait4,
    SYS_umask,
    SYS_sync_file_range,
    SYS_fadvise64,
#ifdef SYS_poll
    SYS_poll,
    SYS_select,
    SYS_epoll_wait,
    SYS_pipe,
    SYS_dup2,
    SYS_getdents,
#endif
#ifdef SYS_clone3
    SYS_clone3,
#endif
};

static struct {
	int fd; /* of the file of classes */
	int null_fd;
	bool is_child;
	struct oom_place chosen; /* of this class: the one surest to be met by another process */
	long ends;		 /* of this class that were aborts */
	long long taken_ns;	 /* by children */
} forks = {.fd = -1, .null_fd = -1};

static const char *const way_names[OOM_WAYS] = {[OOM_AT] = "at", [OOM_FROM] = "from"};

/*
 * The one place from which the filters let everything through. Nothing of the C library is used
 * where it could call the system by itself.
 */
extern const char oom_forks_gate[];
long oom_forks_call(long number, long a, long b, long c, long d, long e, long f);

#if defined(__x86_64__)
__asm__(".text\n"
	".globl oom_forks_call, oom_forks_gate\n"
	".hidden oom_forks_call, oom_forks_gate\n"
	".type oom_forks_call, @function\n"
	"oom_forks_call:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %rdi\n"
	"	movq %rdx, %rsi\n"
	"	movq %rcx, %rdx\n"
	"	movq %r8, %r10\n"
	"	movq %r9, %r8\n"
	"	movq 8(%rsp), %r9\n"
	"	syscall\n"
	"oom_forks_gate:\n"
	"	ret\n"
	".size oom_forks_call, . - oom_forks_call\n");
#else
__asm__(".text\n"
	".globl oom_forks_call, oom_forks_gate\n"
	".hidden oom_forks_call, oom_forks_gate\n"
	".type oom_forks_call, %function\n"
	"oom_forks_call:\n"
	"	mov x8, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	mov x2, x3\n"
	"	mov x3, x4\n"
	"	mov x4, x5\n"
	"	mov x5, x6\n"
	"	svc #0\n"
	"oom_forks_gate:\n"
	"	ret\n"
	".size oom_forks_call, . - oom_forks_call\n");
#endif

static void
forks_write(const char *line, int len)
{
	if (oom_forks_call(SYS_write, forks.fd, (long)line, len, 0, 0, 0) != len)
		oom_forks_call(SYS_exit_group, CANNOT_BEGIN_EXIT, 0, 0, 0, 0, 0);
}

/* What others can see comes next: the class is complete. */
static void
forks_end_class(void)
{
	char line[LINE_BYTES_MAX];

	if (forks.ends > 0)
		forks_write(line,
		    snprintf(line, sizeof(line), "class %016llx %ld %ld\n",
			(unsigned long long)forks.chosen.stack, forks.chosen.nth, forks.ends));
	forks.ends = 0;
}

/* A signal handler, for a system call that was not made. */
static void
forks_trapped(int signo, siginfo_t *info, void *context)
{
	mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;

	(void)signo;
	if (forks.is_child)
		oom_forks_call(SYS_exit_group, WENT_ON, 0, 0, 0, 0, 0);
	forks_end_class();
#if defined(__x86_64__)
	greg_t *reg = machine->gregs;

	reg[REG_RAX] = oom_forks_call(info->si_syscall, reg[REG_RDI], reg[REG_RSI], reg[REG_RDX],
	    reg[REG_R10], reg[REG_R8], reg[REG_R9]);
#else
	unsigned long long *reg = machine->regs;

	reg[0] = (unsigned long long)oom_forks_call(info->si_syscall, (long)reg[0], (long)reg[1],
	    (long)reg[2], (long)reg[3], (long)reg[4], (long)reg[5]);
#endif
}

/* --- filters --- */

struct forks_filter {
	struct sock_filter at[INSTRUCTIONS_MAX];
	unsigned short count;
};

static void
filter_add(struct forks_filter *filter, struct sock_filter instruction)
{
	if (filter->count == INSTRUCTIONS_MAX)
		abort();
	filter->at[filter->count++] = instruction;
}

static void
filter_load(struct forks_filter *filter, size_t offset)
{
	filter_add(
	    filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

/* Lets through what was loaded last where it is value. */
static void
filter_allow(struct forks_filter *filter, unsigned value)
{
	filter_add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	filter_add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static void
filter_allow_gate(struct forks_filter *filter)
{
	uintptr_t gate = (uintptr_t)oom_forks_gate;

	filter_load(filter, offsetof(struct seccomp_data, instruction_pointer));
	filter_add(
	    filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)gate, 0, 3));
	filter_load(filter, offsetof(struct seccomp_data, instruction_pointer) + 4);
	filter_allow(filter, (unsigned)(gate >> 32));
}

static void
filter_allow_calls(struct forks_filter *filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		filter_allow(filter, (unsigned)calls[i]);
}

/* call, where the low half of its argument has none of these bits, or is equal to value. */
static void
filter_allow_if(
    struct forks_filter *filter, unsigned call, int argument, unsigned bits, unsigned value)
{
	size_t offset = offsetof(struct seccomp_data, args) + 8 * (size_t)argument;

	filter_load(filter, offsetof(struct seccomp_data, nr));
	filter_add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4));
	filter_load(filter, offset);
	filter_add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
	filter_allow(filter, value);
}

static bool
filter_install(bool of_child)
{
	static struct forks_filter made[2];
	struct forks_filter *filter = &made[of_child];
	struct sock_fprog program = {.filter = filter->at};

	if (filter->count == 0) {
		filter_allow_gate(filter);
		filter_load(filter, offsetof(struct seccomp_data, nr));
		filter_allow_calls(
		    filter, quiet_calls, sizeof(quiet_calls) / sizeof(quiet_calls[0]));
		if (!of_child)
			filter_allow_calls(filter, private_calls,
			    sizeof(private_calls) / sizeof(private_calls[0]));
		filter_allow_if(filter, SYS_write, 0, ~0u, STDERR_FILENO);
		filter_allow_if(filter, SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
		filter_add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
	}
	program.len = filter->count;
	return oom_forks_call(
		   SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, (long)&program, 0, 0, 0) == 0;
}

/* --- */

void
oom_forks_begin(const char *path)
{
	struct sigaction action = {.sa_sigaction = forks_trapped, .sa_flags = SA_SIGINFO};
	const struct rlimit no_core = {0, 0};

	forks.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	forks.null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (forks.fd < 0 || forks.null_fd < 0 || setrlimit(RLIMIT_CORE, &no_core) != 0 ||
	    sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    !filter_install(false))
		_exit(CANNOT_BEGIN_EXIT);
}

/* From here on it must not be seen. */
static void
forks_become_child(void)
{
	const struct rlimit cpu = {CPU_SECONDS_MAX, CPU_SECONDS_MAX};

	forks.is_child = true;
	oom_forks_call(SYS_dup3, forks.null_fd, STDERR_FILENO, 0, 0, 0, 0);
	oom_forks_call(SYS_prlimit64, 0, RLIMIT_CPU, (long)&cpu, 0, 0, 0);
	if (!filter_install(true))
		oom_forks_call(SYS_exit_group, CANNOT_BEGIN_EXIT, 0, 0, 0, 0, 0);
}

static void
forks_note(const struct oom_place *place, enum oom_way way, int status)
{
	char line[LINE_BYTES_MAX];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
		if (forks.ends++ == 0 || place->nth < forks.chosen.nth)
			forks.chosen = *place;
		return;
	}
	if ((WIFEXITED(status) && WEXITSTATUS(status) == WENT_ON) ||
	    (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS))
		forks_write(
		    line, snprintf(line, sizeof(line), "on %s %016llx %ld\n", way_names[way],
			      (unsigned long long)place->stack, place->nth));
	else
		forks_write(
		    line, snprintf(line, sizeof(line), "ended %s %016llx %ld %d\n", way_names[way],
			      (unsigned long long)place->stack, place->nth, status));
}

static long long
forks_now_ns(void)
{
	struct timespec now = {0};

	oom_forks_call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	return now.tv_sec * NS_A_SECOND + now.tv_nsec;
}

/* The program's own. */
int
clock_gettime(clockid_t id, struct timespec *ret)
{
	long result = oom_forks_call(SYS_clock_gettime, id, (long)ret, 0, 0, 0, 0);
	long long ns;

	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE) {
		ns = ret->tv_sec * NS_A_SECOND + ret->tv_nsec - forks.taken_ns;
		*ret = (struct timespec){ns / NS_A_SECOND, ns % NS_A_SECOND};
	}
	return 0;
}

/* No signal tells of the end of a child, which the program might take for one of its own. */
bool
oom_forks_try(const struct oom_place *place, enum oom_way *ret_way)
{
	long long begin_ns = forks_now_ns();

	for (int way = 0; way < OOM_WAYS; way++) {
		int status = 0;
		long pid = oom_forks_call(SYS_clone, 0, 0, 0, 0, 0, 0), ended;

		if (pid == 0) {
			forks_become_child();
			*ret_way = (enum oom_way)way;
			return true;
		}
		do
			ended = oom_forks_call(SYS_wait4, pid, (long)&status, __WALL, 0, 0, 0);
		while (ended == -EINTR);
		if (pid < 0 || ended != pid)
			oom_forks_call(SYS_exit_group, CANNOT_BEGIN_EXIT, 0, 0, 0, 0, 0);
		forks_note(place, (enum oom_way)way, status);
	}
	forks.taken_ns += forks_now_ns() - begin_ns;
	return false;
}

#else

void
oom_forks_begin(const char *path)
{
	(void)path;
	_exit(CANNOT_BEGIN_EXIT);
}

bool
oom_forks_try(const struct oom_place *place, enum oom_way *ret_way)
{
	(void)place;
	(void)ret_way;
	return false;
}

#endif
