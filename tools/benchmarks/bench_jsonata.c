/*
 * Expressions in JSONata, how long each takes: bench_jsonata SECONDS < CASES. A case is a line
 * {"expr", "data"}; what is printed for it is {"ns", "text", "parsed"}: nanoseconds of an
 * evaluation, bytes of the text and of what it is parsed into. See tools/benchmarks/jsonata.py.
 */
#include "asl/jsonata/jsonata.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WALL_MS	      1700000000000
#define LAP_NS_MIN    1e6 /* of a lap: enough evaluations for the clock to measure */
#define LINE_BYTES    (1u << 24)
#define NS_PER_SECOND 1e9

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_jsonata: %s: %s\n", what, why);
	exit(1);
}

static double
now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		fail("clock_gettime", "no such clock");
	return (double)now.tv_sec * NS_PER_SECOND + (double)now.tv_nsec;
}

static void
lap(const struct jsonata *jsonata, const struct jsonata_opts *opts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct jsonata_error error;
		json_t *result = NULL;

		if (jsonata_evaluate(jsonata, opts, &result, &error) < 0)
			fail(error.code, error.message);
		json_decref(result);
	}
}

/* The fastest lap counts: whatever else the machine does only ever adds. */
static double
evaluation_ns(const struct jsonata *jsonata, const struct jsonata_opts *opts, double seconds)
{
	double start = now_ns();
	double before = start, best = 0;
	unsigned count = 1;

	while (best == 0 || before - start < seconds * NS_PER_SECOND) {
		double after;

		lap(jsonata, opts, count);
		after = now_ns();
		if (after - before < LAP_NS_MIN)
			count *= 2;
		else if (best == 0 || (after - before) / count < best)
			best = (after - before) / count;
		before = after;
	}
	return best;
}

static void
measure(const char *line, double seconds)
{
	json_error_t invalid;
	json_t *question = json_loads(line, 0, &invalid);
	json_t *expr = json_object_get(question, "expr");
	struct str text = {json_string_value(expr), json_string_length(expr)};
	struct jsonata_error error;
	struct jsonata *jsonata;
	struct rng rng;

	if (text.p == NULL)
		fail("not a case", line);
	jsonata = jsonata_compile(text, &error);
	if (jsonata == NULL)
		fail(error.code, error.message);
	rng_seed(&rng, 1);
	printf("{\"ns\": %.1f, \"text\": %zu, \"parsed\": %zu}\n",
	    evaluation_ns(jsonata,
		&(struct jsonata_opts){.input = json_object_get(question, "data"),
		    .now_wall_ms = WALL_MS,
		    .rng = &rng},
		seconds),
	    text.len, jsonata_bytes(jsonata));
	jsonata_free(jsonata);
	json_decref(question);
}

int
main(int argc, char **argv)
{
	char *line = malloc(LINE_BYTES);

	if (argc != 2 || line == NULL)
		fail("usage", "bench_jsonata SECONDS < CASES");
	while (fgets(line, LINE_BYTES, stdin) != NULL)
		measure(line, strtod(argv[1], NULL));
	free(line);
	return 0;
}
