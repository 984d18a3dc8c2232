#ifndef TMFLOW_AWS_SERVICES_EC2_INTERNAL_H
#define TMFLOW_AWS_SERVICES_EC2_INTERNAL_H

#include "aws/services/ec2.h"

#define EC2_VERSION "2016-11-15"

/* Shapes of what several operations answer with. */
extern const struct xml_shape ec2_tag_shape[];
extern const struct xml_shape ec2_instance_shape[];
extern const struct xml_shape ec2_launch_shape[]; /* with how it was launched */
extern const struct xml_shape ec2_group_shape[];  /* the id alone */
extern const struct xml_shape ec2_target_shape[];

/* An instance as ec2_instance_shape reads it to an Instance, see ec2.h. Takes wire, gives a new
 * reference. */
json_t *ec2_instance_of(json_t *wire);

/* The Instances of all reservations as one list; NextToken is string or null. Takes reply, gives a
 * new reference. */
json_t *ec2_instances_of_reservations(json_t *reply);

/* reply with NextToken as a string or null, never absent or empty. Takes and gives. */
json_t *ec2_with_next_token(json_t *reply);

#endif
