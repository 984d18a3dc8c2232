#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

/* "What was created, by whom, and what was done twice." */

#define LISTED_MAX 100u /* entries of a list of faults; the counts are whole */

/* What the walk over sessions, targets and launches found. */
struct findings {
	uint64_t duplicates;
	uint64_t on_targets;
	uint64_t on_members;
	uint64_t over_limit;
	uint64_t dead_targets;
	uint64_t orphans;
	uint64_t behind_target; /* launched, live, and its interface a target */
	uint64_t idle;		/* of those, without a session ever */
};

static void
write_creator(struct jo_out *j, const struct sim_world *w, const char *key, size_t creator)
{
	const char *text = w->creators[creator];
	const char *agent = strchr(text, '\n');
	char *access_key = mem_strndup(text, (size_t)(agent - text));

	jo_open(j, key, '{');
	jo_text(j, "accessKey", access_key);
	jo_text(j, "userAgent", agent + 1);
	jo_close(j, '}');
	free(access_key);
}

static void
write_actions(struct jo_out *j, const struct sim_world *w)
{
	jo_open(j, "actions", '{');
	for (size_t i = 0; i < world_actions_count; i++) {
		const struct action_stats *s = &w->stats[i];

		if (s->calls == 0)
			continue;
		jo_open(j, world_actions[i].name, '{');
		jo_int(j, "calls", s->calls);
		jo_int(j, "ok", s->ok);
		jo_int(j, "errors", s->errors);
		jo_int(j, "throttled", s->throttled);
		jo_int(j, "faults", s->faults);
		jo_int(j, "replayed", s->replayed);
		jo_close(j, '}');
	}
	jo_close(j, '}');
	jo_int(j, "requests", w->requests);
	jo_int(j, "unknownActions", w->unknown_actions);
	jo_int(j, "authenticationFailures", w->auth_failures);
	jo_open(j, "faults", '[');
	for (size_t i = 0; i < w->faults_count; i++) {
		jo_open(j, NULL, '{');
		jo_text(j, "fault", w->faults[i].text);
		jo_int(j, "hits", w->faults[i].hits);
		jo_close(j, '}');
	}
	jo_close(j, ']');
}

static void
write_creators(struct jo_out *j, const struct sim_world *w)
{
	jo_open(j, "createdBy", '[');
	for (size_t i = 0; i < w->creators_count; i++) {
		if (w->creator_sessions[i] == 0)
			continue;
		jo_open(j, NULL, '{');
		write_creator(j, w, "who", i);
		jo_int(j, "sessions", w->creator_sessions[i]);
		jo_close(j, '}');
	}
	jo_close(j, ']');
}

/* An earlier session of the same interface with the same target and filter; 0 for none. */
static uint32_t
twin_of(const struct sim_world *w, uint32_t index)
{
	const struct session *s = &w->sessions[index];

	for (uint32_t at = sessions_first(w, s->interface); at != 0;
	     at = w->sessions[at - 1].interface_next) {
		const struct session *other = &w->sessions[at - 1];

		if (at - 1 < index && other->now.target == s->now.target &&
		    other->now.filter == s->now.filter)
			return at;
	}
	return 0;
}

static void
write_twin(struct jo_out *j, const struct sim_world *w, uint32_t index, uint32_t twin)
{
	const struct session *s = &w->sessions[index];

	jo_open(j, NULL, '{');
	jo_id(j, "networkInterfaceId", w, ID_INTERFACE, s->interface);
	jo_id(j, "targetId", w, ID_TARGET, s->now.target);
	jo_id(j, "filterId", w, ID_FILTER, s->now.filter);
	jo_id(j, "first", w, ID_SESSION, twin);
	jo_id(j, "second", w, ID_SESSION, index);
	write_creator(j, w, "firstBy", w->sessions[twin].creator);
	write_creator(j, w, "secondBy", s->creator);
	jo_close(j, '}');
}

/* A session of a client's on what stands behind a load balancer that is mirrored to. */
static bool
is_on_member(const struct sim_world *w, const struct session *s)
{
	uint64_t target;

	return s->creator != 0 && member_target(w, s->interface / INTERFACES_MAX, &target) &&
	       w->targets[target].sessions > 0;
}

static void
write_duplicates(struct jo_out *j, const struct sim_world *w, struct findings *f)
{
	uint64_t target;

	jo_open(j, "duplicates", '[');
	for (uint32_t i = 0; i < w->sessions_count; i++) {
		uint32_t twin = w->sessions[i].deleted ? 0 : twin_of(w, i);

		if (!w->sessions[i].deleted &&
		    idmap_get(&w->target_of_interface, w->sessions[i].interface, &target))
			f->on_targets++;
		f->on_members += !w->sessions[i].deleted && is_on_member(w, &w->sessions[i]);
		if (twin == 0)
			continue;
		if (f->duplicates++ < LISTED_MAX)
			write_twin(j, w, i, twin - 1);
	}
	jo_close(j, ']');
}

static void
write_target(struct jo_out *j, const struct sim_world *w, uint32_t n, struct findings *f)
{
	const struct target *t = &w->targets[n];
	struct tags tags = {t->tags.now, t->tags.now_count};
	const char *subnet = tags_value(&tags, "TargetSubnetId");
	unsigned max = target_sources_max(w, t);
	struct instance holder;

	jo_open(j, NULL, '{');
	jo_id(j, "targetId", w, ID_TARGET, n);
	jo_int(j, "sessions", t->sessions);
	jo_int(j, "sources", t->sources);
	if (t->type == TARGET_INTERFACE) {
		bool live = interface_load(w, t->interface, LOOK_TRUE, &holder);

		jo_int(j, "sourcesMax", max);
		jo_id(j, "networkInterfaceId", w, ID_INTERFACE, t->interface);
		jo_id(j, "instanceId", w, ID_INSTANCE, t->interface / INTERFACES_MAX);
		jo_id(j, "subnetId", w, ID_SUBNET, holder.subnet);
		jo_bool(j, "live", live);
		f->over_limit += max > 0 && t->sources > max;
		f->dead_targets += !live && t->sessions > 0;
	} else {
		jo_text(j, "endpoint", t->endpoint);
	}
	if (subnet != NULL)
		jo_text(j, "targetSubnetId", subnet);
	write_creator(j, w, "createdBy", t->creator);
	jo_close(j, '}');
}

static void
write_targets(struct jo_out *j, const struct sim_world *w, struct findings *f)
{
	jo_open(j, "targets", '[');
	for (uint32_t n = 0; n < w->targets_count; n++) {
		if (!w->targets[n].deleted)
			write_target(j, w, n, f);
	}
	jo_close(j, ']');
}

static void
write_launches(struct jo_out *j, const struct sim_world *w, struct findings *f)
{
	jo_open(j, "launched", '[');
	for (uint64_t n = w->opts.instances; n < instances_end(w); n++) {
		struct instance i;
		uint64_t target, interface = n * INTERFACES_MAX;
		bool behind = idmap_get(&w->target_of_interface, interface, &target);
		bool mirrored = sessions_first(w, interface) != 0;
		bool live;

		instance_load(w, n, LOOK_TRUE, &i);
		live = i.state != STATE_TERMINATED;
		f->orphans += live && !behind && !mirrored;
		f->behind_target += live && behind;
		f->idle += live && behind && !w->targets[target].used;
		jo_open(j, NULL, '{');
		jo_id(j, "instanceId", w, ID_INSTANCE, n);
		jo_id(j, "subnetId", w, ID_SUBNET, i.subnet);
		jo_text(j, "state", state_name(i.state));
		jo_bool(j, "behindTarget", behind && live);
		jo_bool(j, "idle", behind && live && !w->targets[target].used);
		jo_bool(j, "mirrored", mirrored);
		write_creator(j, w, "createdBy", w->launches[n - w->opts.instances].creator);
		jo_close(j, '}');
	}
	jo_close(j, ']');
}

static void
write_session(struct jo_out *j, const struct sim_world *w, uint32_t index)
{
	const struct session *s = &w->sessions[index];

	jo_open(j, NULL, '{');
	jo_id(j, "sessionId", w, ID_SESSION, index);
	jo_id(j, "targetId", w, ID_TARGET, s->now.target);
	jo_id(j, "filterId", w, ID_FILTER, s->now.filter);
	jo_int(j, "sessionNumber", s->now.session_number);
	jo_close(j, '}');
}

/* {"eni-..": [{...}], ...} in the order of the first session of each. */
static void
write_sessions(struct jo_out *j, const struct sim_world *w)
{
	char id[SIM_ID_BYTES];

	jo_open(j, "sessionsByInterface", '{');
	for (uint32_t i = 0; i < w->sessions_count; i++) {
		uint32_t first = sessions_first(w, w->sessions[i].interface);

		if (w->sessions[i].deleted || first != i + 1)
			continue;
		id_write(w, ID_INTERFACE, w->sessions[i].interface, id);
		jo_open(j, id, '[');
		for (uint32_t at = first; at != 0; at = w->sessions[at - 1].interface_next)
			write_session(j, w, at - 1);
		jo_close(j, ']');
	}
	jo_close(j, '}');
}

static bool
write_verdict(struct jo_out *j, const struct findings *f)
{
	const struct {
		uint64_t count;
		const char *text;
	} rows[] = {
	    {f->duplicates, "duplicate sessions"},
	    {f->on_targets, "sessions on interfaces that are targets"},
	    {f->on_members, "sessions on members of load balancers that are targets"},
	    {f->over_limit, "targets with more sources than they may have"},
	    {f->dead_targets, "targets with sessions whose instance has ended"},
	    {f->orphans, "launched instances that are behind no target and not mirrored"},
	    {f->idle, "launched instances whose target nobody has mirrored to"},
	};
	bool ok = true;

	jo_open(j, "reasons", '[');
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text;

		if (rows[i].count == 0)
			continue;
		ok = false;
		text = mem_printf("%llu %s", (unsigned long long)rows[i].count, rows[i].text);
		jo_text(j, NULL, text);
		free(text);
	}
	jo_close(j, ']');
	jo_bool(j, "ok", ok);
	return ok;
}

static void
write_counts(struct jo_out *j, const struct sim_world *w)
{
	jo_open(j, "sessions", '{');
	jo_int(j, "live", w->sessions_live);
	jo_int(j, "created", w->sessions_created);
	jo_int(j, "deleted", w->sessions_deleted);
	jo_int(j, "moved", w->sessions_moved);
	jo_int(j, "interfaces", w->sessions_of_interface.count);
	jo_close(j, '}');
	jo_int(j, "targetsCreated", w->targets_created);
	jo_int(j, "targetsDeleted", w->targets_deleted);
}

static void
write_instance_counts(struct jo_out *j, const struct sim_world *w, const struct findings *f)
{
	jo_open(j, "instances", '{');
	jo_int(j, "generated", w->opts.instances);
	jo_int(j, "launched", w->launches_count);
	jo_int(j, "launchedBehindTarget", f->behind_target);
	jo_int(j, "launchedIdle", f->idle);
	jo_int(j, "terminated", w->endings_count);
	jo_close(j, '}');
}

bool
world_report(const struct sim_world *world, bool with_sessions, const struct sim_sink *sink)
{
	struct jo_out j = {.sink = sink};
	struct findings f = {0};
	bool ok;

	jo_open(&j, NULL, '{');
	jo_int(&j, "seed", world->opts.seed);
	write_actions(&j, world);
	write_counts(&j, world);
	write_creators(&j, world);
	write_duplicates(&j, world, &f);
	write_targets(&j, world, &f);
	write_launches(&j, world, &f);
	write_instance_counts(&j, world, &f);
	if (with_sessions)
		write_sessions(&j, world);
	ok = write_verdict(&j, &f);
	jo_close(&j, '}');
	buf_add_char(&j.buf, '\n');
	jo_flush(&j);
	buf_fini(&j.buf);
	return ok;
}
