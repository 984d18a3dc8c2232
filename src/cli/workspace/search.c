#include "cli/workspace/search.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Where files are looked for that are named without a folder: beside the user first, then the
 * user's own, then what is installed. What was looked through is named where nothing was found.
 */

#define FOLDERS_MAX 3

/* The user's own folder of settings. An XDG_CONFIG_HOME that is not absolute counts as unset, as
 * its specification says. malloc'ed; NULL without HOME. */
static char *
search_config_home(void)
{
	const char *set = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (set != NULL && set[0] == '/')
		return mem_printf("%s/tmflow", set);
	return home != NULL && home[0] != '\0' ? mem_printf("%s/.config/tmflow", home) : NULL;
}

/* From the program's own place, so that an installation may be moved. malloc'ed, or NULL. */
static char *
search_installed(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (len <= 0)
		return NULL;
	path[len] = '\0';
	for (int i = 0; i < 2; i++) { /* the program's name, then bin */
		slash = strrchr(path, '/');
		if (slash == NULL)
			return NULL;
		*slash = '\0';
	}
	return mem_printf("%s/share/tmflow/workflows", path);
}

char **
search_workflow_folders(void)
{
	char **folders = mem_zalloc(FOLDERS_MAX + 1, sizeof(*folders));
	char *home = search_config_home();
	char *installed = search_installed();
	size_t count = 0;

	folders[count++] = mem_strdup("workflows");
	if (home != NULL)
		folders[count++] = mem_printf("%s/workflows", home);
	if (installed != NULL)
		folders[count++] = mem_strdup(installed);
	assert(count <= FOLDERS_MAX);
	free(home);
	free(installed);
	return folders;
}

static char **
search_config_folders(void)
{
	char **folders = mem_zalloc(FOLDERS_MAX + 1, sizeof(*folders));
	char *home = search_config_home();
	size_t count = 0;

	folders[count++] = mem_strdup("config");
	if (home != NULL)
		folders[count++] = mem_strdup(home);
	folders[count++] = mem_strdup("/etc/tmflow");
	assert(count <= FOLDERS_MAX);
	free(home);
	return folders;
}

void
search_folders_free(char **folders)
{
	for (char **at = folders; *at != NULL; at++)
		free(*at);
	free(folders);
}

/* For what lists workflows; the first that exists. */
char *
search_workflows_dir(void)
{
	char **folders = search_workflow_folders();
	char *found = NULL;

	for (char **at = folders; *at != NULL && found == NULL; at++)
		if (access(*at, X_OK) == 0)
			found = mem_strdup(*at);
	if (found == NULL)
		found = mem_strdup(folders[0]);
	search_folders_free(folders);
	return found;
}

/* FOLDER/NAME with each of the endings. malloc'ed, or NULL. */
static char *
search_in(const char *folder, const char *name)
{
	static const char *const endings[] = {"", ".yaml", ".yml", ".json"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char *path = mem_printf("%s/%s%s", folder, name, endings[i]);

		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static int
search_miss(const char *name, char **folders, struct tmf_err *err)
{
	struct buf places = {0};

	assert(folders[0] != NULL);
	for (char **at = folders; *at != NULL; at++)
		buf_printf(&places, ", %s", *at);
	tmf_err_set(err, TMF_ERR_INVALID,
	    "no such workflow: %s: looked for that file, and for %s.yaml, .yml and .json in the "
	    "folders%s",
	    name, name, buf_cstr(&places) + 1);
	buf_fini(&places);
	return -1;
}

/* A file of that very name comes first: what was typed is what is there. */
struct doc *
search_workflow(const char *name, struct tmf_err *err)
{
	struct doc *doc = NULL;
	char **folders;
	char *path = NULL;

	if (strcmp(name, "-") == 0 || strchr(name, '/') != NULL || access(name, F_OK) == 0)
		return doc_read(name, err);
	folders = search_workflow_folders();
	for (char **at = folders; *at != NULL && path == NULL; at++)
		path = search_in(*at, name);
	if (path != NULL)
		doc = doc_read(path, err);
	else
		search_miss(name, folders, err);
	search_folders_free(folders);
	free(path);
	return doc;
}

/* Without a file the path of the first place, for the error that names it. */
char *
search_config(const char *region)
{
	char **folders = search_config_folders();
	char *path = NULL;

	for (char **at = folders; *at != NULL && path == NULL; at++) {
		path = mem_printf("%s/%s.yaml", *at, region);
		if (access(path, F_OK) == 0)
			break;
		free(path);
		path = NULL;
	}
	if (path == NULL)
		path = mem_printf("%s/%s.yaml", folders[0], region);
	search_folders_free(folders);
	return path;
}

char *
search_config_places(const char *region)
{
	char **folders = search_config_folders();
	struct buf places = {0};

	for (char **at = folders; *at != NULL; at++)
		buf_printf(&places, "%s%s/%s.yaml", at == folders ? "" : ", ", *at, region);
	search_folders_free(folders);
	return buf_take(&places);
}
