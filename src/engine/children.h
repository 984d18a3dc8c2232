#ifndef TMFLOW_ENGINE_CHILDREN_H
#define TMFLOW_ENGINE_CHILDREN_H

#include "engine/branch_row.h"
#include "engine/tree.h"

/* The books of a Map or Parallel: which child is next, what the ended ones gave, whether the
 * state goes on in spite of failures. Starts and ends nothing itself: branch.c does. */

/*
 * Opens the books: takes work's input and items, and sets the phase. row: of a Map that streams,
 * where its source and its results are taken up again; NULL for their beginning.
 * Returns: -1 with States.ItemReaderFailed or States.ResultWriterFailed where one of these cannot
 * be opened; nothing is taken then.
 */
int children_open(struct branch *branch, struct step_work *work, const struct streamed_row *row,
    struct tmf_err *err);

enum children_turn {
	CHILDREN_NEXT,	 /* a child may begin */
	CHILDREN_NONE,	 /* all have been made, or no further one may run now */
	CHILDREN_FAILED, /* the source of the items failed, or ended with too many failures */
};

/* Takes the next child's number. In a Map that streams its item is there to be peeked at. */
enum children_turn children_next(struct branch *branch, int64_t *ret_index, struct tmf_err *err);

/* Whether all children have ended. */
bool children_are_over(const struct branch *branch);

/* The results of all children in order, once they are over, or where a ResultWriter put them: a new
 * reference. Returns: WRITER_WAIT where these are on their way: the branch's task is posted then.
 * Errors: States.ResultWriterFailed. */
enum writer_turn
children_results(const struct branch *branch, json_t **ret_results, struct tmf_err *err);

/* The Map fails: a ResultWriter gets the children that this aborts. */
void children_write_aborted(struct branch *branch);

/*
 * The Map has failed and stands still: its ResultWriter ends its files, since as on AWS they are
 * there even so. That this fails is not why the Map does. Takes: a Map with a writer.
 * Returns: false where they are on their way: the branch's task is posted then.
 */
bool children_write_failed(struct branch *branch);

/* Counts a child that was made and linked. input: what it begins with, borrowed. */
void children_made(struct branch *child, json_t *input);

/* Books the output of an ended child, or its failure. Returns: false when the state fails with
 * that; with an output where a Map that streams has more of them than it may hand on. */
bool children_book(struct branch *child);

/* Moves into *err what the state fails with after child was booked in vain: its own error, the
 * threshold's, or that of the results' size. */
void children_error(struct branch *child, struct tmf_err *err);

/* Notes the end of what the live children were doing, the innermost first. */
void children_note_aborted(struct branch *branch);

/* An event of a Map's iteration stands in the iteration's own line of events. Not for a
 * Parallel. */
void children_note_iteration(struct branch *child, const char *type);

/* {"Index", "Value"} of the item of the nearest Map around the branch, or whose selector it
 * evaluates. New reference, NULL outside. */
json_t *children_map_item(const struct branch *branch);

/* Has every op in and below branch start no further call. */
void children_wind_down(struct branch *branch);

/*
 * The state has failed and nobody took that: cancels what is under way below branch. The children
 * stay as they stand, with their rows: if that ends the execution, a redrive goes on from them.
 */
void children_halt(struct branch *branch);

/* For a resume: from here on children are named by what the rows say of them. */
void children_restore_open(struct branch *branch);

/* For a Map that streams: what its row counts, before the rows of its live children; and whether
 * these were all there, when all have been read. */
void children_restore_counts(struct branch *branch, const struct streamed_row *row);
int children_restore_check(const struct branch *branch, struct tmf_err *err);

/* Whether a record is that of a tolerated failure: a redrive has such a child run again. */
bool children_record_failed(const json_t *record);

/* Takes a place for a live child, or for the record of an ended one. Errors: TMF_ERR_INVALID for
 * one that does not fit. */
int children_restore_place(struct branch *branch, int64_t index, struct tmf_err *err);
int
children_restore_result(struct branch *branch, int64_t index, json_t *record, struct tmf_err *err);

#endif
