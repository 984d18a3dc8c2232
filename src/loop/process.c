#include "loop/process.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "loop/loop_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Programs of the user's: credential_process, whose output is a secret, and dot for a graph. Two
 * descriptors say when it is over: the pipe of its output, and the process itself (pidfd). Not
 * SIGCHLD: a library must not take a host's signal, and one for all children says nothing about
 * which. The output comes first: a program may end before all it wrote is read, or close its
 * output and go on.
 */

#define PROCESS_READ_BYTES (4u << 10)
#define PROCESS_PIPE_BYTES (64u << 10) /* what a pipe holds. See: pipe(7) */

struct process {
	struct tmf_call call; /* first */
	char *name;	      /* argv[0] */
	pid_t pid;	      /* 0: not started, or waited for */
	struct tmf_fd_watch output;
	struct tmf_fd_watch errors; /* its standard error */
	struct tmf_fd_watch end;    /* a descriptor of the process itself */
	struct tmf_timer deadline;  /* armed while it runs */
	struct buf text;
	size_t output_bytes_max;
	struct buf reason; /* the end of its standard error */
};

/* -1 says that there is nothing to close, so it may be called twice. */
static void
process_close_watch(struct process *process, struct tmf_fd_watch *watch)
{
	if (watch->fd < 0)
		return;
	tmf_loop_unwatch_fd(process->call.loop, watch);
	close(watch->fd);
	watch->fd = -1;
}

/* Ends the program, with all that it started. The loop waits for it: even a killed process may take
 * its time. */
static void
process_kill(struct process *process)
{
	if (process->pid > 0) {
		kill(-process->pid, SIGKILL);
		loop_reap(process->call.loop, process->pid);
	}
	process->pid = 0;
	process_close_watch(process, &process->output);
	process_close_watch(process, &process->errors);
	process_close_watch(process, &process->end);
	tmf_loop_timer_disarm(process->call.loop, &process->deadline);
}

/* The caller wants no result, so nothing is completed here. */
static void
process_cancel(struct tmf_call *call)
{
	process_kill((struct process *)call);
}

/* The output may be a secret key, and stays in no freed memory. */
static void
process_free(struct tmf_call *call)
{
	struct process *process = (struct process *)call;

	mem_wipe(process->text.p, process->text.cap);
	buf_fini(&process->text);
	mem_wipe(process->reason.p, process->reason.cap);
	buf_fini(&process->reason);
	free(process->name);
	free(process);
}

static const struct tmf_call_ops process_ops = {
    .cancel = process_cancel, .free_call = process_free};

/* The call ends with the first fault; what the program still does is of no interest. */
static void
process_failed(struct process *process, struct tmf_err *err)
{
	process_kill(process);
	tmf_call_complete_err(&process->call, err);
}

/* The limit is for the whole: a program that writes a byte a second would never be idle. */
static void
process_too_late(struct tmf_timer *timer)
{
	struct process *process =
	    (struct process *)((char *)timer - offsetof(struct process, deadline));
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_LIMIT, "%s takes too long: it was stopped", process->name);
	process_failed(process, &err);
}

/* Reads what is there, and keeps the end of it: however much a program complains, only its last
 * words are wanted. Returns: false at the end of the pipe. */
static bool
process_read_errors(struct process *process)
{
	struct buf *reason = &process->reason;
	char part[PROCESS_READ_BYTES];
	ssize_t got;

	assert(process->errors.fd >= 0);
	got = read(process->errors.fd, part, sizeof(part));
	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	buf_add(reason, part, (size_t)got);
	mem_wipe(part, sizeof(part));
	if (reason->len > PROCESS_READ_BYTES) {
		size_t surplus = reason->len - PROCESS_READ_BYTES;

		memmove(reason->p, reason->p + surplus, PROCESS_READ_BYTES + 1);
		reason->len = PROCESS_READ_BYTES;
	}
	return true;
}

static void
process_errors_ready(struct tmf_fd_watch *watch, unsigned events)
{
	struct process *process =
	    (struct process *)((char *)watch - offsetof(struct process, errors));

	(void)events;
	if (!process_read_errors(process))
		process_close_watch(process, watch);
}

/* Puts the last line of its standard error behind the text of *err; of a long one the end. */
static void
process_add_reason(struct process *process, struct tmf_err *err)
{
	struct str line = str_trim(buf_str(&process->reason));
	struct buf text = {0};
	size_t start = line.len;

	while (
	    start > 0 && line.p[start - 1] != '\n' && line.len - start < PROCESS_REASON_BYTES_MAX)
		start--;
	if (line.len == 0)
		return;
	buf_printf(&text, "%s: ", tmf_err_text(err));
	process->reason.p[line.p + line.len - process->reason.p] = '\0';
	utf8_repair(&text, line.p + start);
	tmf_err_set(err, err->code, "%s", buf_cstr(&text));
	mem_wipe(text.p, text.cap);
	buf_fini(&text);
}

/* What it wrote to its standard error at the last is still in the pipe. Something that it started
 * may write on without end: what a pipe can hold is enough. */
static void
process_drain_errors(struct process *process)
{
	for (size_t got = 0; got < PROCESS_PIPE_BYTES; got += PROCESS_READ_BYTES)
		if (!process_read_errors(process))
			break;
}

/* It has ended, and all its output is here. */
static void
process_ended(struct process *process, int status)
{
	struct tmf_err err = {0};
	json_t *output = json_stringn(buf_cstr(&process->text), process->text.len);

	assert(process->pid > 0 && process->output.fd < 0);
	if (process->errors.fd >= 0)
		process_drain_errors(process);
	process->pid = 0; /* waited for: not to be killed, its number may be another's by now */
	process_kill(process);
	if (WIFSIGNALED(status))
		tmf_err_set(&err, TMF_ERR_SYSTEM, "%s was ended by signal %d", process->name,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		tmf_err_set(&err, TMF_ERR_SYSTEM, "%s ended with status %d", process->name,
		    WEXITSTATUS(status));
	else if (output == NULL)
		tmf_err_set(&err, TMF_ERR_SYSTEM, "the output of %s is not UTF-8", process->name);
	if (!tmf_err_isset(&err)) {
		tmf_call_complete(&process->call, json_pack("{s:o}", "Output", output));
		return;
	}
	json_decref(output);
	process_add_reason(process, &err);
	tmf_call_complete_err(&process->call, &err);
}

/* Waited for once its output has ended; a program that closes it early is not done yet. */
static void
process_end_ready(struct tmf_fd_watch *watch, unsigned events)
{
	struct process *process = (struct process *)((char *)watch - offsetof(struct process, end));
	int status;

	(void)events;
	if (waitpid(process->pid, &status, WNOHANG) == process->pid)
		process_ended(process, status);
}

/* The pipe is closed: whatever the program started may hold it open for ever, and is not waited
 * for. */
static void
process_watch_end(struct process *process)
{
	struct tmf_err err = {0};
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0); /* glibc has it from 2.36 on */

	process_close_watch(process, &process->output);
	if (fd < 0)
		tmf_err_set(&err, TMF_ERR_SYSTEM, "pidfd_open: %s", strerror(errno));
	process->end =
	    (struct tmf_fd_watch){.ready = process_end_ready, .fd = fd, .wanted = TMF_LOOP_FD_READ};
	if (fd < 0 || tmf_loop_watch_fd(process->call.loop, &process->end, &err) < 0)
		process_failed(process, &err);
}

/* One read a turn: a program that writes without end does not keep the loop to itself. Its text
 * never gets into an error, since it may be a secret. */
static void
process_output_ready(struct tmf_fd_watch *watch, unsigned events)
{
	struct process *process =
	    (struct process *)((char *)watch - offsetof(struct process, output));
	struct tmf_err err = {0};
	char part[PROCESS_READ_BYTES];
	ssize_t got = read(watch->fd, part, sizeof(part));

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		process_watch_end(process);
		return;
	}
	if (process->text.len + (size_t)got > process->output_bytes_max) {
		tmf_err_set(&err, TMF_ERR_LIMIT, "%s puts out more than %zu bytes", process->name,
		    process->output_bytes_max);
		process_failed(process, &err);
	} else {
		buf_add(&process->text, part, (size_t)got);
	}
	mem_wipe(part, sizeof(part));
}

/* Its own process group, so that it can be killed with what it started; no signal held back or
 * ignored, which it would else inherit. posix_spawn and not fork: the memory of a large process is
 * not copied. Returns: an errno. */
static int
process_spawn(struct process *process, const char *const *argv, int output_fd, int errors_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigset_t all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors_fd, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	ret = posix_spawnp(
	    &process->pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
	if (ret != 0)
		process->pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return ret;
}

/* Watches the reading end of a pipe; closes it on failure. */
static int
process_watch_pipe(struct process *process, struct tmf_fd_watch *watch, int fd,
    void (*ready)(struct tmf_fd_watch *watch, unsigned events), struct tmf_err *err)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	*watch = (struct tmf_fd_watch){.ready = ready, .fd = fd, .wanted = TMF_LOOP_FD_READ};
	if (tmf_loop_watch_fd(process->call.loop, watch, err) == 0)
		return 0;
	close(fd);
	watch->fd = -1;
	return -1;
}

/* Our copies of the writing ends are closed, or the pipes would never report their end. */
static int
process_launch(struct process *process, const char *const *argv, struct tmf_err *err)
{
	int output[2];
	int errors[2];
	int ret;

	if (pipe2(output, O_CLOEXEC) < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "pipe: %s", strerror(errno));
	if (pipe2(errors, O_CLOEXEC) < 0) {
		close(output[0]);
		close(output[1]);
		return tmf_err_set(err, TMF_ERR_SYSTEM, "pipe: %s", strerror(errno));
	}
	ret = process_spawn(process, argv, output[1], errors[1]);
	close(output[1]);
	close(errors[1]);
	if (ret != 0) {
		close(output[0]);
		close(errors[0]);
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "%s cannot be run: %s", argv[0], strerror(ret));
	}
	if (process_watch_pipe(process, &process->output, output[0], process_output_ready, err) ==
	    0)
		return process_watch_pipe(
		    process, &process->errors, errors[0], process_errors_ready, err);
	close(errors[0]);
	return -1;
}

/* A program that cannot be started ends the call like any other failure, so callers have
 * one path. */
struct tmf_call *
process_run(struct tmf_loop *loop, const struct process_opts *opts)
{
	struct process *process = mem_zalloc(1, sizeof(*process));
	struct tmf_err err = {0};

	assert(opts->argv[0] != NULL && opts->timeout_ms > 0);
	tmf_call_init(&process->call, &process_ops, loop);
	process->name = mem_strdup(opts->argv[0]);
	process->output.fd = process->errors.fd = process->end.fd = -1;
	process->output_bytes_max = opts->output_bytes_max;
	process->deadline.fire = process_too_late;
	if (process_launch(process, opts->argv, &err) < 0)
		process_failed(process, &err);
	else
		tmf_loop_timer_arm(
		    loop, &process->deadline, tmf_loop_mono_ms(loop) + opts->timeout_ms);
	return &process->call;
}
