#include "aws/wire/endpoint.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REGION_BYTES_MAX 63  /* a label of a host name */
#define CUSTOM_BYTES_MAX 255 /* keeps the path within SIGV4_PATH_SEGMENTS_MAX */

#define PARTITION_AWS	 0 /* of a region that no partition knows */
#define PARTITION_US_GOV 1

/* A region belongs to the partition whose prefix, a word and a number make its name. The table
 * is botocore's in short: only what the address of these services needs. See:
 * https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html */
static const struct partition {
	const char *name;	   /* as ARNs have it */
	const char *prefix;	   /* NULL: all others */
	const char *global_region; /* the pseudo region of its global services */
	const char *suffix;
	const char *dual_stack_suffix;
	const char *signin_suffix; /* of AWS Sign-In, which has domains of its own */
} partitions[] = {
    [PARTITION_AWS] = {"aws", NULL, "aws-global", "amazonaws.com", "api.aws", "aws.amazon.com"},
    [PARTITION_US_GOV] = {"aws-us-gov", "us-gov-", "aws-us-gov-global", "amazonaws.com", "api.aws",
	"amazonaws-us-gov.com"},
    {"aws-cn", "cn-", "aws-cn-global", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
	"amazonaws.cn"},
    {"aws-eusc", "eusc-de-", NULL, "amazonaws.eu", "api.amazonwebservices.eu", "amazonaws-eusc.eu"},
    {"aws-iso", "us-iso-", "aws-iso-global", "c2s.ic.gov", "api.aws.ic.gov", "c2shome.ic.gov"},
    {"aws-iso-b", "us-isob-", "aws-iso-b-global", "sc2s.sgov.gov", "api.aws.scloud",
	"sc2shome.sgov.gov"},
    {"aws-iso-e", "eu-isoe-", "aws-iso-e-global", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk",
	"csphome.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "aws-iso-f-global", "csp.hci.ic.gov", "api.aws.hci.ic.gov",
	"csphome.hci.ic.gov"},
};

/* Where the first label of the host is not the service's name, and -fips with FIPS. All are in
 * GovCloud, whose plain addresses keep to FIPS for most. */
static const struct {
	const char *service;
	const char *region; /* NULL: all of the partition */
	bool fips;
	bool dual_stack;
	const char *label;
} exceptions[] = {
    {"ec2", NULL, true, false, "ec2"},
    {"elasticloadbalancing", NULL, true, false, "elasticloadbalancing"},
    {"sqs", NULL, true, false, "sqs"},
    {"sts", NULL, true, false, "sts"},
    {"states", NULL, false, true, "states-fips"},
    {"states", "us-gov-west-1", true, false, "states"},
};

/* Services whose host does not begin with their signing name. */
static const struct {
	const char *service;
	const char *label;
} service_labels[] = {
    {"awsssoportal", "portal.sso"},
    {"sso-oauth", "oidc"},
};

/* STS's one global address, its region, and the regions that are older than their own addresses. */
#define STS_GLOBAL_HOST	  "sts.amazonaws.com"
#define STS_GLOBAL_REGION "us-east-1"
/* A newer region has only an address of its own, so that legacy means nothing there. */
static const char *const sts_global_regions[] = {"ap-northeast-1", "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "aws-global", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1",
    "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"};

/* "east-1" after the prefix: a word and a number. */
static bool
partition_is_word_and_number(const char *text)
{
	size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
	size_t digits = text[word] == '-' ? strspn(text + word + 1, "0123456789") : 0;

	return word > 0 && digits > 0 && text[word + 1 + digits] == '\0';
}

/* A region that is newer than this table belongs to the partition of its prefix; any other to
 * aws. Example: us-gov-east-9 belongs to aws-us-gov, and us-gov-x to aws. */
static const struct partition *
partition_of(const char *region)
{
	for (size_t i = 1; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
		const struct partition *partition = &partitions[i];
		size_t len = strlen(partition->prefix);

		if ((strncmp(region, partition->prefix, len) == 0 &&
			partition_is_word_and_number(region + len)) ||
		    (partition->global_region != NULL &&
			strcmp(region, partition->global_region) == 0))
			return partition;
	}
	return &partitions[PARTITION_AWS];
}

const char *
endpoint_partition(const char *region)
{
	return partition_of(region)->name;
}

/* The first label of the host where it is out of the rule, or NULL. */
static const char *
endpoint_exception_label(const struct endpoint_opts *opts, const struct partition *partition)
{
	if (partition != &partitions[PARTITION_US_GOV])
		return NULL;
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (strcmp(exceptions[i].service, opts->service) == 0 &&
		    exceptions[i].fips == opts->fips &&
		    exceptions[i].dual_stack == opts->dual_stack &&
		    (exceptions[i].region == NULL ||
			strcmp(exceptions[i].region, opts->region) == 0))
			return exceptions[i].label;
	return NULL;
}

/* The global address has neither a FIPS nor a dual-stack form. */
static bool
endpoint_is_sts_global(const struct endpoint_opts *opts)
{
	if (strcmp(opts->service, "sts") != 0 || opts->fips || opts->dual_stack)
		return false;
	if (strcmp(opts->region, partitions[PARTITION_AWS].global_region) == 0)
		return true;
	for (size_t i = 0; i < sizeof(sts_global_regions) / sizeof(sts_global_regions[0]); i++)
		if (opts->sts_global && strcmp(opts->region, sts_global_regions[i]) == 0)
			return true;
	return false;
}

/* S3 is older than the domains of the others: its dual stack is a label of the name. Example:
 * s3-fips.dualstack.us-east-1.amazonaws.com with both switches. */
static char *
endpoint_host_of_s3(const struct endpoint_opts *opts, const struct partition *partition)
{
	return mem_printf("s3%s%s.%s.%s", opts->fips ? "-fips" : "",
	    opts->dual_stack ? ".dualstack" : "", opts->region, partition->suffix);
}

static const char *
endpoint_label(const char *service)
{
	for (size_t i = 0; i < sizeof(service_labels) / sizeof(service_labels[0]); i++)
		if (strcmp(service_labels[i].service, service) == 0)
			return service_labels[i].label;
	return service;
}

/* Example: ec2-fips.us-east-1.api.aws with both switches. A region that does not exist gives a
 * host that does not exist, and the transport's error names it. */
static char *
endpoint_host(const struct endpoint_opts *opts)
{
	const struct partition *partition = partition_of(opts->region);
	const char *label = endpoint_exception_label(opts, partition);
	const char *suffix = opts->dual_stack ? partition->dual_stack_suffix : partition->suffix;

	if (endpoint_is_sts_global(opts))
		return mem_strdup(STS_GLOBAL_HOST);
	if (strcmp(opts->service, "s3") == 0)
		return endpoint_host_of_s3(opts, partition);
	if (strcmp(opts->service, "signin") == 0)
		return mem_printf("%s.signin%s.%s", opts->region, opts->fips ? "-fips" : "",
		    partition->signin_suffix);
	if (label != NULL)
		return mem_printf("%s.%s.%s", label, opts->region, suffix);
	return mem_printf("%s%s.%s.%s", endpoint_label(opts->service), opts->fips ? "-fips" : "",
	    opts->region, suffix);
}

/* It becomes a part of the host: "x@evil.example/" must not. */
static bool
endpoint_is_region(const char *region)
{
	size_t len = strlen(region);

	return len > 0 && len <= REGION_BYTES_MAX && region[0] != '-' &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Printable ASCII only: the host goes into a header and the path into what is signed. The bound
 * also keeps the number of the path's segments below what the signature can hold. */
static bool
endpoint_is_url_text(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len <= CUSTOM_BYTES_MAX;
}

/* Splits "scheme://host[:port][/path]"; the port is left out of host if it is the scheme's own.
 * The port is left out of Host as curl leaves it out: the host is signed, and must be what is
 * sent. A user name before @ is refused, as it would be signed and shown. Example:
 * http://localhost:4566 keeps its port. */
static int
endpoint_split_custom(const char *custom, struct endpoint *endpoint, struct tmf_err *err)
{
	bool tls = strncmp(custom, "https://", 8) == 0;
	const char *authority = custom + (tls ? 8 : 7);
	const char *own_port = tls ? ":443" : ":80";
	size_t len;

	if (!tls && strncmp(custom, "http://", 7) != 0)
		return tmf_err_set(err, TMF_ERR_CONFIG,
		    "the endpoint \"%s\" must begin with http:// or https://", custom);
	len = strcspn(authority, "/?#");
	if (len == 0 || strpbrk(authority, "?#") != NULL || memchr(authority, '@', len) != NULL ||
	    !endpoint_is_url_text(custom))
		return tmf_err_set(err, TMF_ERR_CONFIG,
		    "the endpoint \"%s\" is not a URL of a host and a path", custom);
	endpoint->url = mem_strdup(custom);
	endpoint->path = mem_strdup(authority[len] == '/' ? authority + len : "/");
	if (len > strlen(own_port) &&
	    strncmp(authority + len - strlen(own_port), own_port, strlen(own_port)) == 0)
		len -= strlen(own_port);
	endpoint->host = mem_strndup(authority, len);
	return 0;
}

/* The switches and a custom endpoint exclude each other, as with the AWS CLI: nobody knows
 * whether a custom one keeps to FIPS. A custom endpoint is signed for the region that was asked
 * for, as it may be a proxy of the real one. */
int
endpoint_resolve(
    const struct endpoint_opts *opts, struct endpoint *ret_endpoint, struct tmf_err *err)
{
	struct endpoint endpoint = {0};

	if (!endpoint_is_region(opts->region))
		return tmf_err_set(
		    err, TMF_ERR_CONFIG, "\"%s\" is not the name of an AWS region", opts->region);
	if (opts->custom != NULL && (opts->fips || opts->dual_stack))
		return tmf_err_set(err, TMF_ERR_CONFIG, "%s excludes a custom endpoint: %s",
		    opts->fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT",
		    opts->custom);
	if (opts->custom != NULL) {
		if (endpoint_split_custom(opts->custom, &endpoint, err) < 0)
			return -1;
	} else {
		endpoint.host = endpoint_host(opts);
		endpoint.url = mem_printf("https://%s/", endpoint.host);
		endpoint.path = mem_strdup("/");
	}
	endpoint.signing_region =
	    mem_strdup(opts->custom == NULL && endpoint_is_sts_global(opts) ? STS_GLOBAL_REGION
									    : opts->region);
	assert(endpoint.path != NULL && endpoint.host != NULL);
	assert(endpoint.path[0] == '/' && endpoint.host[0] != '\0');
	*ret_endpoint = endpoint;
	return 0;
}

void
endpoint_fini(struct endpoint *endpoint)
{
	free(endpoint->url);
	free(endpoint->host);
	free(endpoint->path);
	free(endpoint->signing_region);
	*endpoint = (struct endpoint){0};
}

/* "x.amazonaws.com" is below "amazonaws.com"; that itself is not, nor is "xamazonaws.com". */
static bool
endpoint_is_below(const char *host, const char *domain)
{
	size_t host_len = strlen(host);
	size_t len = strlen(domain);

	return host_len > len + 1 && host[host_len - len - 1] == '.' &&
	       strcasecmp(host + host_len - len, domain) == 0;
}

bool
endpoint_is_aws_host(const char *host)
{
	for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
		if (endpoint_is_below(host, partitions[i].suffix) ||
		    endpoint_is_below(host, partitions[i].dual_stack_suffix))
			return true;
	return false;
}
