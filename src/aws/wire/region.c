#include "aws/wire/region.h"

#include "base/buf.h"

#include <stddef.h>
#include <string.h>

/* Only for the hint after a host that does not exist: a region that is missing here works like any
 * other. See: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html */
static const char *const regions[] = {
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
    NULL,
};

const char *
region_nearest(const char *name)
{
	const char *nearest = str_nearest(str_of(name), regions);

	return nearest != NULL && strcmp(nearest, name) != 0 ? nearest : NULL;
}

const char *const *
region_list(void)
{
	return regions;
}
