#ifndef TMFLOW_AWS_WIRE_REDACT_H
#define TMFLOW_AWS_WIRE_REDACT_H

#include "base/buf.h"

/* Takes out of a message what its reader may not see. */

#define REDACT_REMOVED	  "(removed)"
#define REDACT_VALUES_MAX 4

/* Texts that are secret wherever they stand: what a request was signed with may come back in an
 * error. Borrowed. */
struct redact_values {
	struct str at[REDACT_VALUES_MAX];
	size_t count;
};

/*
 * Appends text, as far as text_bytes_max, without the values of secret members (SecretAccessKey,
 * SessionToken, WebIdentityToken, ...; of AccessKeyId the first letters stay) in form data, XML and
 * JSON, also JSON within a JSON string, and without values. Line ends stay, other control
 * characters are escaped. A secret that is cut off at the end of text is removed too: it is enough
 * to have text_bytes_max and some more. values: NULL for none.
 */
void redact_body(
    struct buf *out, struct str text, size_t text_bytes_max, const struct redact_values *values);

/* Appends a header's value. Of Authorization scheme, scope and names of signed headers stay; of
 * headers that are not known to be harmless, nothing. */
void redact_header(struct buf *out, const char *name, const char *value);

#endif
