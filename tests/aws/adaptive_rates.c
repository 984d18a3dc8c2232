/* The adaptive mode's limiter for test_botocore.py: "MS THROTTLED" a line on standard input, after
 * a first line with the time of its start; the rates after each on standard output. */
#include "aws/pace/adaptive.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

int
main(void)
{
	struct adaptive model;
	int64_t mono_ms;
	int throttled;
	int got = scanf("%" SCNd64, &mono_ms);

	assert(got == 1);
	adaptive_init(&model, mono_ms);
	while (scanf("%" SCNd64 "%d", &mono_ms, &throttled) == 2) {
		adaptive_answered(&model, throttled != 0, mono_ms);
		printf("%.12g %.12g %.12g %.12g\n", model.measured_per_s, model.fill_per_s,
		    model.capacity, model.tokens);
	}
	return 0;
}
