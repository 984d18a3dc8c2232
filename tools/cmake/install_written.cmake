# Run by cmake --install: what the program writes of itself. tmflow: its path; made: a folder to write into; man_dir and
# data_dir: where it is installed, below the prefix.
function(tmflow_write path)
	execute_process(COMMAND ${tmflow} ${ARGN} OUTPUT_FILE ${path} RESULT_VARIABLE code)
	if(code)
		message(FATAL_ERROR "tmflow ${ARGN} failed: ${code}")
	endif()
endfunction()

# Whoever installs the same build at the same time waits.
file(LOCK ${made}.lock)
file(REMOVE_RECURSE ${made})
file(MAKE_DIRECTORY ${made}/man)
execute_process(COMMAND ${tmflow} __complete "" OUTPUT_VARIABLE rows RESULT_VARIABLE code)
string(REGEX MATCHALL "[^\n]+" rows "${rows}")
foreach(row IN LISTS rows)
	string(REGEX REPLACE "\t.*" "" name "${row}")
	tmflow_write(${made}/man/tmflow-${name}.1 help ${name} --manual)
endforeach()
tmflow_write(${made}/tmflow completion bash)
tmflow_write(${made}/_tmflow completion zsh)
tmflow_write(${made}/tmflow.fish completion fish)

set(prefix "${CMAKE_INSTALL_PREFIX}")
file(INSTALL ${made}/man/ DESTINATION ${prefix}/${man_dir} FILES_MATCHING PATTERN "*.1")
file(INSTALL ${made}/tmflow DESTINATION ${prefix}/${data_dir}/bash-completion/completions)
file(INSTALL ${made}/_tmflow DESTINATION ${prefix}/${data_dir}/zsh/site-functions)
file(INSTALL ${made}/tmflow.fish DESTINATION ${prefix}/${data_dir}/fish/vendor_completions.d)
