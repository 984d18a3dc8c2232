#include "web/graph/graph.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SVG_BYTES_MAX (64u << 20) /* 10,000 states make some 10 MiB */
#define GRAPHVIZ      "dot"
#define NOT_FOUND     127 /* what a shell and some C libraries say of a program that is not there */

/*
 * The DOT text in a file without a name, so that the program can read it while we read what it
 * writes.
 */
static int
text_file(const struct graph *graph, struct tmf_err *err)
{
	struct buf text = {0};
	int fd = memfd_create("graph", MFD_CLOEXEC);
	size_t done = 0;

	graph_dot(graph, &text);
	while (fd >= 0 && done < text.len) {
		ssize_t wrote = write(fd, text.p + done, text.len - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
	if (fd >= 0 && (done < text.len || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	buf_fini(&text);
	if (fd < 0)
		tmf_err_set(err, TMF_ERR_SYSTEM, "no memory for the graph: %s", strerror(errno));
	return fd;
}

/*
 * A missing program is the usual fault, so that the message says how to install it and how to do
 * without.
 */
static int
spawn_failed(int code, struct tmf_err *err)
{
	if (code == ENOENT)
		return tmf_err_set(err, TMF_ERR_SYSTEM,
		    "Graphviz is not installed: its program " GRAPHVIZ
		    " draws the SVG (apt-get install graphviz, or take --format dot or mermaid)");
	return tmf_err_set(err, TMF_ERR_SYSTEM, "cannot start " GRAPHVIZ ": %s", strerror(code));
}

/*
 * Both descriptors are closed on exec, and only their copies as 0 and 1 stay open in Graphviz. Its
 * standard error is ours, so that its own messages reach the operator.
 */
static int
svg_spawn(int in, int out, pid_t *ret_pid, struct tmf_err *err)
{
	static char program[] = GRAPHVIZ;
	static char format[] = "-Tsvg";
	char *const words[] = {program, format, NULL};
	posix_spawn_file_actions_t actions;
	int code;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	code = posix_spawnp(ret_pid, GRAPHVIZ, &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return code == 0 ? 0 : spawn_failed(code, err);
}

/*
 * The end is awaited even after a failed read, so that no zombie is left. posix_spawn may report a
 * missing program as exit code 127 of the child.
 */
static int
wait_for(pid_t pid, struct tmf_err *err)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return tmf_err_set(err, TMF_ERR_SYSTEM, GRAPHVIZ ": %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return spawn_failed(ENOENT, err);
	return tmf_err_set(err, TMF_ERR_SYSTEM, GRAPHVIZ " failed; what it said stands above");
}

/* Both ends of the pipe are closed here. */
static int
svg_draw(int in, int pipe_fds[2], struct buf *out, struct tmf_err *err)
{
	pid_t pid;
	int ret = svg_spawn(in, pipe_fds[1], &pid, err);

	close(pipe_fds[1]);
	if (ret == 0) {
		ret = file_read_fd(pipe_fds[0], GRAPHVIZ, SVG_BYTES_MAX, out, err);
		if (wait_for(pid, ret == 0 ? err : NULL) < 0)
			ret = -1;
	}
	close(pipe_fds[0]);
	return ret;
}

int
graph_svg(const struct graph *graph, struct buf *out, struct tmf_err *err)
{
	int in = text_file(graph, err);
	int pipe_fds[2];
	int ret;

	if (in < 0)
		return -1;
	if (pipe2(pipe_fds, O_CLOEXEC) == 0)
		ret = svg_draw(in, pipe_fds, out, err);
	else
		ret = tmf_err_set(err, TMF_ERR_SYSTEM, "no pipe: %s", strerror(errno));
	close(in);
	return ret;
}
