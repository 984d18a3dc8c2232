#include "world_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[FAULT_COUNT] = {
    [FAULT_THROTTLE] = "throttle",
    [FAULT_500] = "500",
    [FAULT_503] = "503",
    [FAULT_RESET_BEFORE] = "reset-before",
    [FAULT_RESET_AFTER] = "reset-after",
    [FAULT_500_AFTER] = "500-after",
    [FAULT_TRUNCATE] = "truncate",
    [FAULT_GARBAGE] = "garbage",
    [FAULT_DELAY] = "delay",
    [FAULT_REFUSE] = "refuse",
};

#define DELAY_MS_MAX 600000 /* ten minutes: longer than any client waits */

/* Cuts the word up to the separator off text. */
static char *
cut(char **text, char separator)
{
	char *word = *text, *end = strchr(*text, separator);

	if (end == NULL)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return word;
}

static bool
parse_rate(const char *text, struct fault *fault)
{
	char *end;

	if (text[0] == '#') {
		fault->at = strtoull(text + 1, &end, 10);
		fault->onwards = *end == '+';
		end += fault->onwards;
		return end != text + 1 && *end == '\0' && fault->at > 0;
	}
	fault->probability = strtod(text, &end);
	return end != text && *end == '\0' && fault->probability >= 0 && fault->probability <= 1;
}

static bool
parse_kind(const char *name, struct fault *fault)
{
	for (size_t kind = 0; kind < FAULT_COUNT; kind++) {
		if (strcmp(kind_names[kind], name) == 0) {
			fault->kind = (enum fault_kind)kind;
			return true;
		}
	}
	return false;
}

static bool
parse_action(const char *name, struct fault *fault)
{
	for (size_t i = 0; i < world_actions_count; i++) {
		if (strcmp(world_actions[i].name, name) == 0) {
			fault->action = i;
			return true;
		}
	}
	return false;
}

/* CODE, CODE:OPERATION or CODE:OPERATION:PLACE behind "refuse:". */
static bool
parse_refusal(char *text, struct fault *fault)
{
	char *code = cut(&text, ':');
	char *action = code != NULL ? cut(&text, ':') : NULL;

	if (code == NULL)
		code = text;
	else if (action == NULL && !parse_action(text, fault))
		return false;
	if (action != NULL) {
		if (!parse_action(action, fault) || strlen(text) >= sizeof(fault->place))
			return false;
		memcpy(fault->place, text, strlen(text) + 1);
	}
	if (code[0] == '\0' || strlen(code) >= sizeof(fault->code))
		return false;
	memcpy(fault->code, code, strlen(code) + 1);
	return true;
}

/* The part before the @: KIND, KIND:OPERATION, delay:MS, delay:MS:OPERATION, or a refusal. */
static bool
parse_what(char *text, struct fault *fault)
{
	char *kind = cut(&text, ':');
	char *end;

	fault->action = SIM_ACTIONS_MAX;
	if (kind == NULL)
		return parse_kind(text, fault) && fault->kind != FAULT_DELAY &&
		       fault->kind != FAULT_REFUSE;
	if (!parse_kind(kind, fault))
		return false;
	if (fault->kind == FAULT_REFUSE)
		return parse_refusal(text, fault);
	if (fault->kind != FAULT_DELAY)
		return parse_action(text, fault);
	fault->delay_ms = strtoll(text, &end, 10);
	if (end == text || fault->delay_ms < 0 || fault->delay_ms > DELAY_MS_MAX)
		return false;
	return *end == '\0' || (*end == ':' && parse_action(end + 1, fault));
}

static int
parse_fault(const char *text, struct fault *ret, struct tmf_err *err)
{
	struct fault fault = {0};
	char copy[FAULT_TEXT_BYTES];
	char *rest = copy, *what;

	if (strlen(text) < sizeof(copy)) {
		memcpy(copy, text, strlen(text) + 1);
		memcpy(fault.text, text, strlen(text) + 1);
		what = cut(&rest, '@');
		if (what != NULL && parse_what(what, &fault) && parse_rate(rest, &fault)) {
			*ret = fault;
			return 0;
		}
	}
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "fault \"%s\" is not KIND[:OPERATION]@P, @#N or @#N+ with a known kind and operation",
	    text);
}

int
world_set_faults(
    struct sim_world *world, const char *const *faults, size_t count, struct tmf_err *err)
{
	struct fault parsed[SIM_FAULTS_MAX];

	if (count > SIM_FAULTS_MAX)
		return tmf_err_set(err, TMF_ERR_INVALID, "more than %u faults", SIM_FAULTS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (parse_fault(faults[i], &parsed[i], err) < 0)
			return -1;
	}
	memcpy(world->faults, parsed, count * sizeof(parsed[0]));
	world->faults_count = count;
	return 0;
}

/* Whether a call concerns the place of a refusal: an id among the values of its parameters. */
static bool
names_place(const struct sim_call *c, const char *place)
{
	if (place[0] == '\0')
		return true;
	for (size_t i = 0; i < c->params.count; i++) {
		if (str_is(c->params.at[i].value, place))
			return true;
	}
	return false;
}

static bool
strikes(const struct sim_call *c, size_t index)
{
	const struct sim_world *w = c->w;
	const struct fault *f = &w->faults[index];
	uint64_t nth = f->action == SIM_ACTIONS_MAX ? w->requests : w->stats[c->action_index].calls;

	if ((f->action != SIM_ACTIONS_MAX && f->action != c->action_index) ||
	    !names_place(c, f->place))
		return false;
	if (f->at > 0)
		return f->onwards ? nth >= f->at : nth == f->at;
	return world_chance(w, 5000 + index, w->serial) < f->probability;
}

unsigned
faults_for(struct sim_call *c, const char **ret_code)
{
	struct sim_world *w = c->w;
	unsigned bits = 0;

	*ret_code = NULL;
	for (size_t i = 0; i < w->faults_count; i++) {
		struct fault *f = &w->faults[i];

		if (!strikes(c, i))
			continue;
		f->hits++;
		w->faults_by_kind[f->kind]++;
		bits |= FAULT_BIT(f->kind);
		if (f->kind == FAULT_DELAY)
			c->reply->delay_ms += f->delay_ms;
		if (f->kind == FAULT_REFUSE && *ret_code == NULL)
			*ret_code = f->code;
	}
	return bits;
}
