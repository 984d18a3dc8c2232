#include "aws/settings/config_file.h"

#include "base/file.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE "profile"

/* One `key = value` with the section that it stands in. */
struct entry {
	char *section_kind; /* "profile", "services", ... */
	char *section;
	char *key; /* NULL: the section's own header */
	char *value;
	unsigned line;
};

/* A flat list in the order of the file: a later entry overrides an earlier one, and an error can
 * name its line. */
struct config_file {
	char *name;
	struct entry *entries;
	size_t count;
};

/* Where the parser stands. The last three texts are owned, and freed together when the section
 * is left. */
struct reader {
	const char *name;
	unsigned line;
	enum config_file_kind kind;
	struct config_file *file;
	char *section_kind; /* NULL: before the first section, or in one of no interest */
	char *section;
	char *parent; /* key whose value was empty: indented lines belong to it */
};

/* The header of a section is an entry too, without a key: a profile may be empty and still
 * exist. */
static void
config_add_entry(struct reader *r, const char *key, struct str value)
{
	struct config_file *file = r->file;

	assert(r->section_kind != NULL && r->section != NULL);
	file->entries = mem_resize(file->entries, file->count + 1, sizeof(*file->entries));
	file->entries[file->count++] = (struct entry){
	    .section_kind = mem_strdup(r->section_kind),
	    .section = mem_strdup(r->section),
	    .key = mem_strdup(key),
	    .value = mem_strndup(value.p, value.len),
	    .line = r->line,
	};
}

/* Keys before the first section, or in one that is skipped, then find no section to stand in. */
static void
config_leave_section(struct reader *r)
{
	free(r->section_kind);
	free(r->section);
	free(r->parent);
	r->section_kind = r->section = r->parent = NULL;
}

/* `[profile "my team"]`: a name with blanks may stand in quotes. Both quotes must be of one
 * kind. Example: "my team' stays as it is. */
static struct str
config_without_quotes(struct str name)
{
	if (name.len >= 2 && (name.p[0] == '"' || name.p[0] == '\'') &&
	    name.p[name.len - 1] == name.p[0])
		return (struct str){name.p + 1, name.len - 2};
	return name;
}

/* "[profile x]", "[services x]", "[default]"; in the credentials file "[x]". A section of
 * another kind, such as [sso-session x], is kept with its kind: services are looked up by it. In
 * the config file a section without a kind, such as [x], is skipped: the AWS tools read only
 * [profile x] there. Example: [default] needs no kind. */
static int
config_enter_section(struct reader *r, struct str line, struct tmf_err *err)
{
	const char *end = memchr(line.p, ']', line.len);
	struct str inner;
	const char *blank;

	config_leave_section(r);
	if (end == NULL)
		return tmf_err_set(
		    err, TMF_ERR_CONFIG, "%s:%u: the section has no closing ]", r->name, r->line);
	inner = str_trim((struct str){line.p + 1, (size_t)(end - line.p) - 1});
	blank = inner.len > 0 ? memchr(inner.p, ' ', inner.len) : NULL;
	if (r->kind == CONFIG_FILE_CREDENTIALS || str_is(inner, "default")) {
		r->section_kind = mem_strdup(PROFILE);
		r->section = mem_strndup(inner.p, inner.len);
	} else if (blank != NULL) {
		struct str name = config_without_quotes(
		    str_trim((struct str){blank, inner.len - (size_t)(blank - inner.p)}));

		r->section_kind = mem_strndup(inner.p, (size_t)(blank - inner.p));
		r->section = mem_strndup(name.p, name.len);
	}
	if (r->section != NULL)
		config_add_entry(r, NULL, (struct str){"", 0});
	return 0;
}

/* A comment begins at # or ; after a blank. Example: "a = b # c" is b, "a = b#c" is b#c: a
 * secret key may have # in it, but no blank. The search starts behind the equals sign, so that
 * an empty value may have a comment too. */
static struct str
config_without_comment(struct str value)
{
	for (size_t i = 1; i < value.len; i++)
		if ((value.p[i] == '#' || value.p[i] == ';') &&
		    (value.p[i - 1] == ' ' || value.p[i - 1] == '\t'))
			value.len = i;
	return str_trim(value);
}

/* Example: "s3 =" and then " max = 5" is s3.max = 5. The AWS tools nest one level deep. A line
 * before the first section is checked, but not kept. */
static int
config_take_pair(struct reader *r, struct str line, bool nested, struct tmf_err *err)
{
	const char *equals = memchr(line.p, '=', line.len);
	struct str key;
	struct str value;
	char *name;

	if (equals == NULL)
		return tmf_err_set(err, TMF_ERR_CONFIG, "%s:%u: neither a section nor key = value",
		    r->name, r->line);
	key = str_trim((struct str){line.p, (size_t)(equals - line.p)});
	value = config_without_comment((struct str){
	    equals, line.len - key.len - (size_t)(equals - line.p - (ptrdiff_t)key.len)});
	value = str_trim((struct str){value.p + 1, value.len - 1});
	if (r->section == NULL)
		return 0;
	if (nested) {
		name = mem_printf("%s.%.*s", r->parent, (int)key.len, key.p);
	} else {
		name = mem_strndup(key.p, key.len);
		free(r->parent);
		r->parent = value.len == 0 ? mem_strdup(name) : NULL;
	}
	config_add_entry(r, name, value);
	free(name);
	return 0;
}

/* A value that goes on in the next line is of no setting that is read here. An indented line
 * belongs to a key with an empty value in front of it. Without such a key it is skipped, not
 * refused. */
static int
config_take_line(struct reader *r, struct str raw, struct tmf_err *err)
{
	struct str line = str_trim(raw);
	bool indented = raw.len > 0 && (raw.p[0] == ' ' || raw.p[0] == '\t');

	if (line.len == 0 || line.p[0] == '#' || line.p[0] == ';')
		return 0;
	if (line.p[0] == '[' && !indented)
		return config_enter_section(r, line, err);
	if (indented && r->parent == NULL)
		return 0; /* a value that goes on: none of ours does */
	return config_take_pair(r, line, indented, err);
}

/* A fault ends the parsing at its line: a file that is understood by half could give half a pair
 * of keys. NULL: *err says where. */
struct config_file *
config_file_parse(
    const char *name, struct str text, enum config_file_kind kind, struct tmf_err *err)
{
	struct reader r = {.name = name, .kind = kind, .file = mem_zalloc(1, sizeof(*r.file))};
	int ret = 0;

	r.file->name = mem_strdup(name);
	while (text.len > 0 && ret == 0) {
		const char *end = memchr(text.p, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.p) : text.len;

		r.line++;
		ret = config_take_line(&r, (struct str){text.p, len}, err);
		text.p += len + (end != NULL);
		text.len -= len + (end != NULL);
	}
	config_leave_section(&r);
	if (ret == 0)
		return r.file;
	config_file_free(r.file);
	return NULL;
}

/* The text is wiped: keys stand in it. A file that is missing is an empty one. */
struct config_file *
config_file_read(const char *path, enum config_file_kind kind, struct tmf_err *err)
{
	struct config_file *file = NULL;
	struct tmf_err read_err = {0};
	struct buf text = {0};
	bool missing;

	if (file_read(path, CONFIG_FILE_BYTES_MAX, &text, &missing, &read_err) == 0 || missing)
		file = config_file_parse(path, buf_str(&text), kind, err);
	else
		tmf_err_set(err, TMF_ERR_CONFIG, "%s", tmf_err_text(&read_err));
	tmf_err_fini(&read_err);
	mem_wipe(text.p, text.len);
	buf_fini(&text);
	return file;
}

/* Every value is wiped, since only some keys hold a secret and which do is not known here. */
void
config_file_free(struct config_file *file)
{
	if (file == NULL)
		return;
	for (size_t i = 0; i < file->count; i++) {
		struct entry *entry = &file->entries[i];

		free(entry->section_kind);
		free(entry->section);
		free(entry->key);
		mem_wipe(entry->value, strlen(entry->value));
		free(entry->value);
	}
	free(file->entries);
	free(file->name);
	free(file);
}

static bool
entry_stands_in(const struct entry *entry, const char *section_kind, const char *section)
{
	return strcmp(entry->section_kind, section_kind) == 0 &&
	       strcmp(entry->section, section) == 0;
}

/* A header counts without any key in it, as the AWS CLI has it. */
bool
config_file_has_profile(const struct config_file *file, const char *profile)
{
	for (size_t i = 0; i < file->count; i++)
		if (entry_stands_in(&file->entries[i], PROFILE, profile))
			return true;
	return false;
}

/* Each section begins with an entry of its own. */
void
config_file_each_profile(
    const struct config_file *file, void (*fn)(void *arg, const char *profile), void *arg)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct entry *entry = &file->entries[i];

		if (entry->key == NULL && strcmp(entry->section_kind, PROFILE) == 0)
			fn(arg, entry->section);
	}
}

/* The last one wins, as with the AWS tools. NULL: it is absent or empty. Files have tens of entries
 * and are asked ten times: a list is enough. */
static const struct entry *
config_find_entry(
    const struct config_file *file, const char *section_kind, const char *name, const char *key)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < file->count; i++) {
		const struct entry *entry = &file->entries[i];

		if (entry->key != NULL && entry_stands_in(entry, section_kind, name) &&
		    strcmp(entry->key, key) == 0)
			found = entry;
	}
	return found != NULL && found->value[0] != '\0' ? found : NULL;
}

const char *
config_file_get_in(
    const struct config_file *file, const char *section_kind, const char *name, const char *key)
{
	const struct entry *entry = config_find_entry(file, section_kind, name, key);

	return entry != NULL ? entry->value : NULL;
}

const char *
config_file_get(const struct config_file *file, const char *profile, const char *key)
{
	return config_file_get_in(file, PROFILE, profile, key);
}

/* Example: "/home/a/.aws/config:12", which an editor can open at that line. */
char *
config_file_where(const struct config_file *file, const char *profile, const char *key)
{
	const struct entry *entry = config_find_entry(file, PROFILE, profile, key);

	return entry != NULL ? mem_printf("%s:%u", file->name, entry->line) : NULL;
}
