/*
 * Every statement that the store prepares: X(name, text). Prepared when first used, then kept.
 * `run` is runs.n, so that a row of a run costs 1 to 3 bytes for it instead of the 26 of its id.
 */
#define SQL_RUN_COLUMNS                                                                            \
	"id, status, start_ms, stop_ms, workflow_name, input, config_name, hook_name, settings,"   \
	" output, error, cause, retry_ms, dry_run, parent, redrive_ms, redrives, end_sum"

/* An outcome with what is known about its instance. An interface has a row of its own in
 * `instances` only where its place is not the instance's. */
#define SQL_OUTCOME_ROWS                                                                           \
	"SELECT o.instance, o.interface, kind, reason, rule, target, session, operation, error,"   \
	" cause, request, i.type, coalesce(f.vpc, i.vpc), coalesce(f.subnet, i.subnet), i.zone,"   \
	" i.name, slot FROM outcomes o"                                                            \
	" LEFT JOIN instances i ON i.run = o.run AND i.instance = o.instance AND"                  \
	" i.interface = ''"                                                                        \
	" LEFT JOIN instances f ON f.run = o.run AND f.instance = o.instance AND"                  \
	" f.interface = o.interface"

#define SQL_TABLE(X)                                                                               \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                \
	X(BEGIN_READING, "BEGIN DEFERRED")                                                         \
	X(COMMIT, "COMMIT")                                                                        \
	X(ROLLBACK, "ROLLBACK")                                                                    \
	X(APPLICATION_ID, "PRAGMA application_id")                                                 \
	X(USER_VERSION, "PRAGMA user_version")                                                     \
	X(DATA_VERSION, "PRAGMA data_version")                                                     \
	X(SCHEMA_COUNT, "SELECT count(*) FROM sqlite_schema")                                      \
                                                                                                   \
	X(RUN_NUMBER, "SELECT n FROM runs WHERE id = ?1")                                          \
	X(RUN_INSERT,                                                                              \
	    "INSERT INTO runs (" SQL_RUN_COLUMNS ", definition, config, hook, start_sum)"          \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "               \
	    "?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)")                                             \
	X(RUN_UPDATE,                                                                              \
	    "UPDATE runs SET status = ?2, stop_ms = ?3, output = ?4, error = ?5, cause = ?6,"      \
	    " retry_ms = ?7, redrive_ms = ?8, redrives = ?9, end_sum = ?10 WHERE n = ?1")          \
	X(RUN_GET, "SELECT " SQL_RUN_COLUMNS                                                       \
		   ", definition, config, hook, start_sum FROM runs WHERE id = ?1")                \
	X(RUN_END, "SELECT status, stop_ms FROM runs WHERE id = ?1")                               \
	X(RUN_LATEST, "SELECT id FROM runs WHERE parent IS NULL AND dry_run = 0"                   \
		      " ORDER BY start_ms DESC, id DESC LIMIT 1")                                  \
	X(RUN_PREFIX,                                                                              \
	    "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || '~' AND (parent IS NULL OR"         \
	    " id = ?1) ORDER BY id LIMIT ?2")                                                      \
	X(RUN_LIST, "SELECT " SQL_RUN_COLUMNS                                                      \
		    ", NULL, NULL, NULL, NULL FROM runs WHERE parent IS NULL AND"                  \
		    " (?1 < 0 OR status = ?1) AND start_ms BETWEEN ?2 AND ?3"                      \
		    " ORDER BY start_ms DESC, id DESC")                                            \
	X(RUN_PARTS,                                                                               \
	    "SELECT " SQL_RUN_COLUMNS ", NULL, NULL, NULL, NULL FROM runs WHERE parent = ?1"       \
	    " ORDER BY id")                                                                        \
                                                                                                   \
	X(RUN_DELETE, "DELETE FROM runs WHERE n = ?1")                                             \
	X(RUN_OUTCOMES_DELETE, "DELETE FROM outcomes WHERE run = ?1")                              \
	X(RUN_INSTANCES_DELETE, "DELETE FROM instances WHERE run = ?1")                            \
	X(RUN_FACTS_DELETE, "DELETE FROM facts WHERE scope = ?1")                                  \
                                                                                                   \
	X(BRANCH_PUT, "INSERT INTO branches (run, branch, state, sum) VALUES (?1, ?2, ?3, ?4)"     \
		      " ON CONFLICT DO UPDATE SET state = excluded.state, sum = excluded.sum")     \
	X(BRANCH_DELETE, "DELETE FROM branches WHERE run = ?1 AND branch = ?2")                    \
	X(BRANCH_LIST, "SELECT branch, state, sum FROM branches WHERE run = ?1 ORDER BY branch")   \
	X(BRANCHES_DELETE, "DELETE FROM branches WHERE run = ?1")                                  \
	X(RESULT_PUT, "INSERT OR REPLACE INTO results (run, branch, item, result, sum) VALUES "    \
		      "(?1, ?2, ?3, ?4, ?5)")                                                      \
	X(RESULT_LIST,                                                                             \
	    "SELECT item, result, sum FROM results WHERE run = ?1 AND branch = ?2 ORDER BY item")  \
	X(RESULT_DELETE, "DELETE FROM results WHERE run = ?1 AND branch = ?2 AND item = ?3")       \
	X(RESULTS_OF_DELETE, "DELETE FROM results WHERE run = ?1 AND branch = ?2")                 \
	X(RESULTS_DELETE, "DELETE FROM results WHERE run = ?1")                                    \
	X(BRANCHES_EXPIRE, "DELETE FROM branches WHERE run IN (SELECT n FROM runs WHERE"           \
			   " status IN (?1, ?2) AND stop_ms < ?3)")                                \
	X(RESULTS_EXPIRE, "DELETE FROM results WHERE run IN (SELECT n FROM runs WHERE"             \
			  " status IN (?1, ?2) AND stop_ms < ?3)")                                 \
                                                                                                   \
	X(OUTCOME_KIND,                                                                            \
	    "SELECT kind FROM outcomes WHERE run = ?1 AND instance = ?2 AND interface = ?3 AND"    \
	    " slot = ?4")                                                                          \
	X(OUTCOME_ADD,                                                                             \
	    "INSERT INTO outcomes (run, instance, interface, slot, kind, reason, rule,"            \
	    " target, session, operation, error, cause, request) VALUES"                           \
	    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING")    \
	X(OUTCOME_PUT,                                                                             \
	    "INSERT OR REPLACE INTO outcomes (run, instance, interface, slot, kind, reason, rule," \
	    " target, session, operation, error, cause, request)"                                  \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                    \
	X(OUTCOME_DELETE_WHOLE,                                                                    \
	    "DELETE FROM outcomes WHERE run = ?1 AND instance = ?2 AND interface = ?3 AND"         \
	    " slot = '' RETURNING kind")                                                           \
	X(OUTCOME_ALONE, "SELECT count(*) FROM outcomes WHERE run = ?1 AND interface = ''")        \
	X(OUTCOME_COUNTS, "SELECT kind, count(*) FROM outcomes WHERE run = ?1 GROUP BY kind")      \
	X(OUTCOME_REASONS,                                                                         \
	    "SELECT kind, CASE kind WHEN ?2 THEN error ELSE reason END,"                           \
	    " CASE WHEN kind = ?2 THEN operation WHEN reason = ?3 THEN (SELECT type FROM"          \
	    " instances i WHERE i.run = o.run AND i.instance = o.instance AND i.interface = '')"   \
	    " END FROM outcomes o WHERE run = ?1")                                                 \
	X(OUTCOME_RULES, "SELECT rule, kind FROM outcomes WHERE run = ?1 AND rule IS NOT NULL")    \
	X(OUTCOME_LIST, SQL_OUTCOME_ROWS " WHERE o.run = ?1 AND (?2 < 0 OR kind = ?2)"             \
					 " ORDER BY o.instance, o.interface, slot")                \
	X(OUTCOME_AFTER, SQL_OUTCOME_ROWS " WHERE o.run = ?1 AND (?2 < 0 OR kind = ?2) AND"        \
					  " (o.instance, o.interface, slot) > (?3, ?4, ?5)"        \
					  " ORDER BY o.instance, o.interface, slot")               \
	X(OUTCOME_OF,                                                                              \
	    SQL_OUTCOME_ROWS " WHERE o.run = ?1 AND o.instance = ?2 ORDER BY o.interface, slot")   \
	X(OUTCOME_AT,                                                                              \
	    "SELECT instance, interface, kind, reason, rule, target, session, operation, error,"   \
	    " cause, request, NULL, NULL, NULL, NULL, NULL, slot FROM outcomes"                    \
	    " WHERE run = ?1 AND interface = ?2 ORDER BY instance, slot")                          \
	X(OUTCOME_INSTANCES,                                                                       \
	    "SELECT DISTINCT instance FROM outcomes WHERE run = ?1 AND kind = ?2 AND"              \
	    " instance > ?3 ORDER BY instance LIMIT ?4")                                           \
	X(INSTANCE_PUT,                                                                            \
	    "INSERT INTO instances (run, instance, interface, type, vpc, subnet, zone, name)"      \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET"                   \
	    " type = coalesce(excluded.type, type), vpc = coalesce(excluded.vpc, vpc),"            \
	    " subnet = coalesce(excluded.subnet, subnet), zone = coalesce(excluded.zone, zone),"   \
	    " name = coalesce(excluded.name, name)")                                               \
                                                                                                   \
	X(EVENT_PUT,                                                                               \
	    "INSERT OR REPLACE INTO history (run, event, previous, time_ms, top, type, details)"   \
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                \
	X(EVENTS_DELETE, "DELETE FROM history WHERE run = ?1")                                     \
	X(EVENT_LIST,                                                                              \
	    "SELECT event, previous, time_ms, top, type, details FROM history WHERE run = ?1"      \
	    " AND event > ?2 ORDER BY event")                                                      \
                                                                                                   \
	X(FACT_PUT, "INSERT OR REPLACE INTO facts (scope, kind, key, value, put_ms, sum)"          \
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                            \
	X(FACT_TIME, "SELECT put_ms FROM facts WHERE scope = ?1 AND kind = ?2 AND key = ?3")       \
	X(FACT_DELETE, "DELETE FROM facts WHERE scope = ?1 AND kind = ?2 AND key = ?3")            \
	X(FACT_LIST, "SELECT key, value, put_ms, sum FROM facts WHERE scope = ?1 AND kind = ?2 "   \
		     "ORDER BY key")                                                               \
                                                                                                   \
	X(CHECK_FILE, "PRAGMA integrity_check")                                                    \
	X(CHECK_RUNS, "SELECT id FROM runs ORDER BY id")                                           \
	X(CHECK_BRANCHES, "SELECT DISTINCT branch FROM results WHERE run = ?1 ORDER BY branch")    \
	X(CHECK_FACTS, "SELECT DISTINCT scope, kind FROM facts ORDER BY scope, kind")
