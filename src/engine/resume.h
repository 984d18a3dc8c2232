#ifndef TMFLOW_ENGINE_RESUME_H
#define TMFLOW_ENGINE_RESUME_H

#include "engine/tree.h"

/*
 * Builds x's tree from the checkpoint of its run and sets it going. *ret_found: whether there is a
 * checkpoint. Where that says how x ended, x->result is filled in and the tree stays empty: the
 * end is only to be reported. With redrive the branches that did not succeed begin again.
 * Returns: 0, or -1 with *err; x then has a part of a tree, and is only to be freed.
 * Errors: TMF_ERR_STORE; TMF_ERR_INVALID naming the row that does not fit the workflow or the
 * others.
 */
int resume_tree(struct execution *x, bool redrive, bool *ret_found, struct tmf_err *err);

#endif
