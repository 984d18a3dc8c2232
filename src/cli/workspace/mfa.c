#include "cli/workspace/mfa.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINAL_PATH  "/dev/tty"
#define CODE_DIGITS    6
#define LINE_BYTES_MAX 256

/* A question on the terminal, answered by a line. The terminal is opened by its name: standard
 * input may be the run's input, and standard error a file. */
struct question {
	struct tmf_call call; /* first */
	struct tmf_fd_watch watch;
};

static void
question_close(struct question *question)
{
	if (question->watch.fd < 0)
		return;
	tmf_loop_unwatch_fd(question->call.loop, &question->watch);
	close(question->watch.fd);
	question->watch.fd = -1;
}

static void
question_cancel(struct tmf_call *call)
{
	question_close((struct question *)call);
}

static const struct tmf_call_ops question_ops = {.cancel = question_cancel};

static bool
mfa_is_code(const char *text)
{
	return strlen(text) == CODE_DIGITS && strspn(text, "0123456789") == CODE_DIGITS;
}

/* A terminal gives a whole line at once. */
static void
question_ready(struct tmf_fd_watch *watch, unsigned events)
{
	struct question *question =
	    (struct question *)((char *)watch - offsetof(struct question, watch));
	char line[LINE_BYTES_MAX] = "";
	ssize_t got = read(watch->fd, line, sizeof(line) - 1);
	struct tmf_err err = {0};

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	question_close(question);
	line[got > 0 ? got : 0] = '\0';
	line[strcspn(line, " \t\r\n")] = '\0';
	if (mfa_is_code(line)) {
		tmf_call_complete(&question->call, json_pack("{s:s}", "Code", line));
		return;
	}
	tmf_err_set(
	    &err, TMF_ERR_CREDENTIALS, "a code of an MFA device has %d digits", CODE_DIGITS);
	tmf_call_complete_err(&question->call, &err);
}

/* Only in the foreground: a job in the background that reads from its terminal is stopped. */
static int
question_open(const char *text)
{
	int fd = open(TERMINAL_PATH, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && tcgetpgrp(fd) == getpgrp() && dprintf(fd, "%s", text) > 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct tmf_call *
mfa_ask_terminal(struct tmf_loop *loop, const char *serial_number)
{
	struct question *question = mem_zalloc(1, sizeof(*question));
	char *text = mem_printf("Code of the MFA device %s: ", serial_number);
	struct tmf_err err = {0};

	tmf_call_init(&question->call, &question_ops, loop);
	question->watch = (struct tmf_fd_watch){
	    .ready = question_ready, .fd = question_open(text), .wanted = TMF_LOOP_FD_READ};
	free(text);
	if (question->watch.fd < 0) {
		tmf_err_set(&err, TMF_ERR_CREDENTIALS,
		    "a code of the MFA device %s is needed, and no terminal can be asked: give "
		    "it with --mfa-token",
		    serial_number);
	} else if (tmf_loop_watch_fd(loop, &question->watch, &err) < 0) {
		close(question->watch.fd);
		question->watch.fd = -1;
	}
	if (tmf_err_isset(&err))
		tmf_call_complete_err(&question->call, &err);
	return &question->call;
}

/* A code works once: for the next one the terminal is asked, if there is one. */
struct tmf_call *
mfa_ask(void *arg, const char *serial_number)
{
	struct mfa *mfa = arg;
	struct tmf_err err = {0};

	assert(mfa->loop != NULL && serial_number != NULL);
	if (mfa->token == NULL || mfa->token_used)
		return mfa_ask_terminal(mfa->loop, serial_number);
	mfa->token_used = true;
	if (mfa_is_code(mfa->token))
		return tmf_call_of_result(mfa->loop, json_pack("{s:s}", "Code", mfa->token));
	tmf_err_set(&err, TMF_ERR_CREDENTIALS, "--mfa-token has %d digits", CODE_DIGITS);
	return tmf_call_of_err(mfa->loop, &err);
}
