#include "aws/service.h"

#include <assert.h>
#include <string.h>

/* See the service models of the SDKs: endpointPrefix, serviceId (in upper case, with _ for each
 * space, the suffix of its variable), protocol, targetPrefix. SQS and Step Functions speak
 * JSON 1.0, CloudTrail, Organizations and EventBridge 1.1. */
static const struct aws_service services[] = {
    {"ec2", "EC2", &aws_protocol_xml, NULL, false},
    {"sts", "STS", &aws_protocol_xml, NULL, false},
    {"states", "SFN", &aws_protocol_json, "AWSStepFunctions", false},
    {"sqs", "SQS", &aws_protocol_json, "AmazonSQS", true},
    {"elasticloadbalancing", "ELASTIC_LOAD_BALANCING_V2", &aws_protocol_xml, NULL, false},
    {"cloudtrail", "CLOUDTRAIL", &aws_protocol_json_1_1,
	"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", false},
    {"organizations", "ORGANIZATIONS", &aws_protocol_json_1_1, "AWSOrganizationsV20161128", false},
    {"events", "EVENTBRIDGE", &aws_protocol_json_1_1, "AWSEvents", false},
    {"ram", "RAM", &aws_protocol_rest_json, NULL, false},
    {"s3", "S3", &aws_protocol_s3, NULL, false},
    {"awsssoportal", "SSO", NULL, NULL, false},
    {"sso-oauth", "SSO_OIDC", NULL, NULL, false},
    {"signin", "SIGNIN", NULL, NULL, false},
};

_Static_assert(sizeof(services) / sizeof(services[0]) == AWS_SERVICES_MAX,
    "settings have an endpoint for each service");

/* The order is that of the endpoints in the settings, so that an index serves for both. */
const struct aws_service *
aws_service_at(size_t i)
{
	assert(i < AWS_SERVICES_MAX);
	return &services[i];
}

/* Names come from our own code, never from a user: an unknown one is a bug, and so it is
 * asserted. */
size_t
aws_service_index(const char *signing_name)
{
	size_t i = 0;

	while (i < AWS_SERVICES_MAX && strcmp(services[i].signing_name, signing_name) != 0)
		i++;
	assert(i < AWS_SERVICES_MAX && "unknown service");
	return i;
}
