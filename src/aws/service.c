#include "client_internal.h"

#include <stddef.h>
#include <string.h>

static const struct aws_service services[] = {
    {"ec2", "EC2", &aws_protocol_xml, NULL, false},
    {"sts", "STS", &aws_protocol_xml, NULL, false},
    {"states", "SFN", &aws_protocol_json, "AWSStepFunctions", false},
    {"sqs", "SQS", &aws_protocol_json, "AmazonSQS", true},
};

const struct aws_service *
aws_service_find(const char *signing_name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i].signing_name, signing_name) == 0)
			return &services[i];
	return NULL;
}
