#ifndef TMFLOW_AWS_WIRE_REGION_H
#define TMFLOW_AWS_WIRE_REGION_H

/* The known region that a name without a host is probably meant to be, or NULL: "eu-wst-1" is
 * "eu-west-1". NULL for a known one, too: then the name is not the fault. Static text. */
const char *region_nearest(const char *name);

/* The known regions, in order, ends with NULL. Static text. A newer one is as good. */
const char *const *region_list(void);

#endif
