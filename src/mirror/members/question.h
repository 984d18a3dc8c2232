#ifndef TMFLOW_MIRROR_MEMBERS_QUESTION_H
#define TMFLOW_MIRROR_MEMBERS_QUESTION_H

#include "mirror/members/look.h"

/* What each kind of question asks AWS, and what its answer means. */

/* New call that asks the lookup's next question, which there is. Pages are read as they come; a
 * whole reply is the call's result, for question_answer. */
struct tmf_call *question_ask(struct look *look);

/* Takes up the reply (borrowed) to the next question: notes members, adds questions. */
void question_answer(struct look *look, const json_t *reply);

/* The lookup goes on without an answer to the next question: who is behind the target stays
 * open. */
void question_leave(struct look *look);

/* What it calls, with its service: the permission that it needs. Static. */
const char *question_operation(const struct question *question);

/* True if Elastic Load Balancing is asked, else EC2. */
bool question_is_of_elb(const struct question *question);

#endif
