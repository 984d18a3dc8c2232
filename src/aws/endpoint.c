#include "tmflow/aws/endpoint.h"

#include "tmflow/base/buf.h"
#include "tmflow/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define REGION_BYTES_MAX 63  /* a label of a host name */
#define CUSTOM_BYTES_MAX 255 /* keeps the path within SIGV4_PATH_SEGMENTS_MAX */
#define SUFFIX_DEFAULT	 "amazonaws.com"

/* Regions of a partition begin with its prefix. See: https://docs.aws.amazon.com/general/latest/gr/rande.html */
static const struct {
	const char *prefix;
	const char *suffix;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},
    {"us-gov-", "amazonaws.com"},
    {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"},
    {"us-iso-", "c2s.ic.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"},
    {"eusc-", "amazonaws.eu"},
};

static const char *
suffix_of(const char *region)
{
	for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
		if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0)
			return partitions[i].suffix;
	return SUFFIX_DEFAULT;
}

static bool
is_region(const char *region)
{
	size_t len = strlen(region);

	return len > 0 && len <= REGION_BYTES_MAX && region[0] != '-' &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Printable ASCII only: the host goes into a header and the path into what is signed. */
static bool
is_url_text(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len <= CUSTOM_BYTES_MAX;
}

/* Splits "scheme://host[:port][/path]"; the port is left out of host if it is the scheme's own. */
static int
split_custom(const char *custom, struct endpoint *endpoint, struct err *err)
{
	bool tls = strncmp(custom, "https://", 8) == 0;
	const char *authority = custom + (tls ? 8 : 7);
	const char *own_port = tls ? ":443" : ":80";
	size_t len;

	if (!tls && strncmp(custom, "http://", 7) != 0)
		return err_set(err, ERR_CONFIG,
		    "the end point \"%s\" must begin with http:// or https://", custom);
	len = strcspn(authority, "/?#");
	if (len == 0 || strpbrk(authority, "?#") != NULL || memchr(authority, '@', len) != NULL ||
	    !is_url_text(custom))
		return err_set(
		    err, ERR_CONFIG, "the end point \"%s\" is no URL of a host and a path", custom);
	endpoint->url = mem_strdup(custom);
	endpoint->path = mem_strdup(authority[len] == '/' ? authority + len : "/");
	if (len > strlen(own_port) &&
	    strncmp(authority + len - strlen(own_port), own_port, strlen(own_port)) == 0)
		len -= strlen(own_port);
	endpoint->host = mem_strndup(authority, len);
	return 0;
}

int
endpoint_resolve(const char *service, const char *region, const char *custom,
    struct endpoint *ret_endpoint, struct err *err)
{
	struct endpoint endpoint = {0};

	if (!is_region(region))
		return err_set(err, ERR_CONFIG, "\"%s\" is no name of an AWS region", region);
	if (custom != NULL) {
		if (split_custom(custom, &endpoint, err) < 0)
			return -1;
	} else {
		endpoint.host = mem_printf("%s.%s.%s", service, region, suffix_of(region));
		endpoint.url = mem_printf("https://%s/", endpoint.host);
		endpoint.path = mem_strdup("/");
	}
	*ret_endpoint = endpoint;
	return 0;
}

void
endpoint_fini(struct endpoint *endpoint)
{
	free(endpoint->url);
	free(endpoint->host);
	free(endpoint->path);
	*endpoint = (struct endpoint){0};
}
