#include "asl/state/machine_internal.h"

#include "base/mem.h"

#include <stdlib.h>

static const char *const type_names[ASL_STATE_TYPE_COUNT] = {
#define X(id, name) name,
    ASL_STATE_TYPES(X)
#undef X
};

/* The names are those of the field Type, and begin the types of events: "Pass" gives
 * "PassStateEntered". */
const char *
asl_state_type_name(enum asl_state_type type)
{
	return type_names[type];
}

/* The definition is kept, because literals and names in the states are borrowed from it. */
struct asl_machine *
machine_new(json_t *definition)
{
	struct asl_machine *machine = mem_zalloc(1, sizeof(*machine));

	machine->refs = 1;
	machine->definition = json_incref(definition);
	machine->names = json_object();
	return machine;
}

/* A state has its own block in the arena, so pointers to it stay valid while the table
 * grows. Where two states have one name the first is found by it; the compiler has reported
 * the other. */
struct asl_state *
machine_add_state(struct asl_machine *machine, const char *name)
{
	struct asl_state *state = arena_zalloc(&machine->arena, 1, sizeof(*state));

	if (machine->count == machine->capacity) {
		machine->capacity = machine->capacity > 0 ? 2 * machine->capacity : 16;
		machine->at =
		    mem_resize(machine->at, machine->capacity, sizeof(struct asl_state *));
	}
	state->index = (unsigned)machine->count;
	state->name = name;
	if (json_object_get(machine->names, name) == NULL)
		json_object_set_new(machine->names, name, json_integer((json_int_t)machine->count));
	machine->at[machine->count++] = state;
	return state;
}

/* Plain counting: a machine is used by one thread, that of its loop. */
struct asl_machine *
asl_machine_ref(struct asl_machine *machine)
{
	machine->refs++;
	return machine;
}

/* The arena goes first, since what it holds may refer to the definition. */
void
asl_machine_unref(struct asl_machine *machine)
{
	if (machine == NULL || --machine->refs > 0)
		return;
	arena_fini(&machine->arena);
	free(machine->at);
	json_decref(machine->names);
	json_decref(machine->definition);
	free(machine);
}

const struct asl_states *
asl_machine_states(const struct asl_machine *machine)
{
	return machine->states;
}

/* The machine is the outermost scope, and has its comment from there. */
const char *
asl_machine_comment(const struct asl_machine *machine)
{
	return machine->states->comment;
}

/* TimeoutSeconds at the top of the definition limits the whole execution. */
int64_t
asl_machine_timeout_seconds(const struct asl_machine *machine)
{
	return machine->timeout_seconds;
}

size_t
asl_machine_state_count(const struct asl_machine *machine)
{
	return machine->count;
}

/* Of all Maps the one that asks most surely. */
static enum asl_s3
machine_most_s3(const struct asl_machine *machine, bool reads)
{
	enum asl_s3 most = ASL_S3_NEVER;

	for (size_t i = 0; i < machine->count; i++) {
		const struct asl_state *state = asl_machine_state(machine, (unsigned)i);

		if (state->type != ASL_MAP)
			continue;
		if (reads && state->u.map.reads_s3 > most)
			most = state->u.map.reads_s3;
		if (state->u.map.writes_s3 > most)
			most = state->u.map.writes_s3;
	}
	return most;
}

enum asl_s3
asl_machine_asks_s3(const struct asl_machine *machine)
{
	return machine_most_s3(machine, true);
}

/* What is written is spooled first: only a machine that writes needs a place for that. */
enum asl_s3
asl_machine_writes_s3(const struct asl_machine *machine)
{
	return machine_most_s3(machine, false);
}

/* An index may come from a checkpoint, so it is checked and not asserted. */
const struct asl_state *
asl_machine_state(const struct asl_machine *machine, unsigned index)
{
	return index < machine->count ? machine->at[index] : NULL;
}

/* Names are unique in the whole machine, as AWS asks, so a name needs no path to it. */
const struct asl_state *
asl_machine_find(const struct asl_machine *machine, const char *name)
{
	const json_t *index = json_object_get(machine->names, name);

	return index != NULL ? machine->at[json_integer_value(index)] : NULL;
}

int
asl_machine_check_filled(const struct asl_machine *machine, struct tmf_err *err)
{
	if (machine->unfilled == NULL)
		return 0;
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "the placeholder %s has no value (--set NAME=VALUE gives it one)", machine->unfilled);
}

json_t *
asl_machine_json(const struct asl_machine *machine)
{
	return machine->definition;
}
