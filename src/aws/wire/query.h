#ifndef TMFLOW_AWS_WIRE_QUERY_H
#define TMFLOW_AWS_WIRE_QUERY_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

/* Bodies of the EC2 Query protocol: form data, lists flat as Name.1, Name.2.
 * See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html */

/* Begins a body: Action and Version. */
void query_begin(struct buf *body, const char *action, const char *version);

/* Adds &name=value; value NULL adds nothing. */
void query_add(struct buf *body, const char *name, const char *value);
void query_add_int(struct buf *body, const char *name, int64_t value);

/* Adds name.1, name.2, ... of an array of strings; NULL or empty adds nothing. */
void query_add_list(struct buf *body, const char *name, const json_t *values);

/* Adds Filter.N.Name and Filter.N.Value.M of [{Name, Values}]. */
void query_add_filters(struct buf *body, const json_t *filters);

/* Adds PREFIX.N.Key and PREFIX.N.Value of [{Key, Value}]; a tag without Value sends its key
 * only. */
void query_add_tags(struct buf *body, const char *prefix, const json_t *tags);

/* Percent-encodes all but A-Z a-z 0-9 - _ . ~ */
void query_encode(struct buf *out, struct str text);

#endif
