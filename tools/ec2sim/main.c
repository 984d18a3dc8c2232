#include "options.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define REPLY_MEMORY_BYTES (16 << 20) /* more than a page of 1000 instances is */

static void
write_part(void *arg, struct str part)
{
	fwrite(part.p, 1, part.len, arg);
}

/* Writes by way of a second file, so that who waits for FILE never sees half of it. */
static int
write_file(const char *path, void (*fill)(FILE *file, void *arg), void *arg, struct tmf_err *err)
{
	struct buf name = {0};
	FILE *file;
	int result = 0;

	buf_printf(&name, "%s.%ld.tmp", path, (long)getpid());
	file = fopen(buf_cstr(&name), "w");
	if (file != NULL) {
		fill(file, arg);
		if (ferror(file) != 0)
			result = -1;
		if (fclose(file) != 0 || rename(buf_cstr(&name), path) < 0)
			result = -1;
	}
	if (file == NULL || result < 0)
		result =
		    tmf_err_set(err, TMF_ERR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	buf_fini(&name);
	return result;
}

static void
fill_port(FILE *file, void *arg)
{
	fprintf(file, "%u\n", sim_http_port(arg));
}

static void
fill_report(FILE *file, void *arg)
{
	struct sim_sink sink = {.write = write_part, .arg = file};

	cloud_report(arg, true, &sink);
}

static void
fill_config(FILE *file, void *arg)
{
	struct buf *text = arg;

	fwrite(text->p, 1, text->len, file);
}

static int
write_config(const struct sim_cloud *cloud, const struct sim_command *command, struct tmf_err *err)
{
	struct buf text = {0};
	int result;

	cloud_config(cloud, command->scenario, &text);
	result = write_file(command->config_out, fill_config, &text, err);
	buf_fini(&text);
	return result;
}

/* SIGTERM and SIGINT as a readable descriptor. */
static int
open_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int
serve(struct sim_cloud *cloud, const struct sim_command *command, struct tmf_err *err)
{
	int stop = open_stop();
	struct sim_http *http = sim_http_new(cloud, &command->http, err);
	int result = http != NULL ? 0 : -1;

	for (size_t i = 0; i < command->signals_count && result == 0; i++)
		result = sim_http_add_signal(http, &command->signals[i], err);
	if (result == 0 && command->port_file != NULL)
		result = write_file(command->port_file, fill_port, http, err);
	if (result == 0) {
		fprintf(
		    stderr, "ec2sim: http://%s:%u\n", command->http.listen, sim_http_port(http));
		result = sim_http_run(http, stop, err);
	}
	sim_http_free(http);
	close(stop);
	if (result == 0 && command->report != NULL)
		result = write_file(command->report, fill_report, cloud, err);
	return result;
}

static int
run(const struct sim_command *command, struct tmf_err *err)
{
	struct sim_cloud *cloud = cloud_new(&command->cloud, err);
	struct sim_sink out = {.write = write_part, .arg = stdout};
	int result = cloud != NULL ? 0 : -1;

	if (result == 0 && command->config_out != NULL)
		result = write_config(cloud, command, err);
	if (result == 0 && !command->print_world)
		result = serve(cloud, command, err);
	else if (result == 0)
		for (size_t i = 0; i < cloud_worlds(cloud); i++)
			world_print(cloud_world_at(cloud, i), 0, &out);
	cloud_free(cloud);
	return result;
}

int
main(int argc, char **argv)
{
	struct sim_command command;
	struct tmf_err err = {0};
	int result = sim_command_parse(argc, argv, &command, &err);

	/* A reply is as large as the one before: the system need not give and clear its memory
	 * each time. */
#ifdef M_TRIM_THRESHOLD /* glibc's; musl has no such setting */
	mallopt(M_MMAP_THRESHOLD, REPLY_MEMORY_BYTES);
	mallopt(M_TRIM_THRESHOLD, REPLY_MEMORY_BYTES);
#endif
	if (result == 0 && command.help)
		sim_command_help(stdout);
	else if (result == 0 && command.print_operations)
		world_print_operations(&(struct sim_sink){.write = write_part, .arg = stdout});
	else if (result == 0)
		result = run(&command, &err);
	if (result < 0)
		fprintf(stderr, "ec2sim: %s\n", tmf_err_text(&err));
	result = result == 0 ? EXIT_SUCCESS : err.code == TMF_ERR_INVALID ? 2 : EXIT_FAILURE;
	tmf_err_fini(&err);
	sim_command_fini(&command);
	return result;
}
