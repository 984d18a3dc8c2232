#include "machine_vectors.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

struct asl_machine *
vector_machine(const char *text)
{
	char *json = mem_strdup(text);
	struct diag_list diags;
	struct tmf_err err = {0};
	struct asl_machine *machine;
	struct doc *doc;

	for (char *c = json; *c != '\0'; c++) {
		if (*c == '\'')
			*c = '"';
	}
	doc = doc_parse("vector", str_of(json), &err);
	ck_assert_msg(doc != NULL, "%s: %s", json, tmf_err_text(&err));
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, NULL, &diags);
	if (machine == NULL)
		diag_print(&diags, stdout);
	ck_assert_msg(machine != NULL, "%s", json);
	diag_list_fini(&diags);
	doc_free(doc);
	free(json);
	return machine;
}

struct asl_machine *
vector_state(const char *text)
{
	char *definition =
	    mem_printf("{'StartAt':'S','States':{'S':%s,'T':{'Type':'Succeed'}}}", text);
	struct asl_machine *machine = vector_machine(definition);

	free(definition);
	return machine;
}

bool
vector_has(const json_t *json, const char *text)
{
	const json_t *element;
	size_t i;

	json_array_foreach (json, i, element) {
		if (json_is_string(element) && strcmp(json_string_value(element), text) == 0)
			return true;
	}
	return false;
}

static int
ascending(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int
vector_each_case(const char *folder, void (*one)(void *arg, json_t *corpus_case), void *arg)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, ascending);
	int cases = 0;

	if (count < 0) {
		printf("SKIP: %s is not there\n", folder);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		char *path = mem_printf("%s/%s", folder, entries[i]->d_name);
		json_t *corpus_case = json_load_file(path, JSON_DECODE_ANY, NULL);

		if (json_is_object(corpus_case)) {
			one(arg, corpus_case);
			cases++;
		}
		json_decref(corpus_case);
		free(path);
		free(entries[i]);
	}
	free(entries);
	return cases;
}
