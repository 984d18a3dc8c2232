# tmflow_layer(NAME SOURCES a.c ... LINK tmflow_x PkgConfig::X ...): the static library tmflow_NAME of src/NAME.
function(tmflow_layer name)
	cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
	add_library(tmflow_${name} STATIC ${ARG_SOURCES})
	target_link_libraries(tmflow_${name} PRIVATE tmflow_flags PUBLIC ${ARG_LINK})
endfunction()

# tmflow_test(NAME SOURCES a.c ... LINK tmflow_x ...): a Check suite, run by ctest. SHARED_DIR is ../shared (may be absent).
# Its label is that of its folder, or `unit`.
function(tmflow_test name)
	cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
	add_executable(test_${name} ${ARG_SOURCES})
	target_link_libraries(test_${name} PRIVATE tmflow_flags ${ARG_LINK} PkgConfig::CHECK)
	target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
	target_compile_definitions(test_${name} PRIVATE
		TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TEST_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared")
	add_test(NAME ${name} COMMAND test_${name})
	cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME label)
	if(NOT label MATCHES "^(sim|embed)$")
		set(label unit)
	endif()
	set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 120 ENVIRONMENT "CK_DEFAULT_TIMEOUT=60;HOME=/nonexistent")
endfunction()

# tmflow_fuzz(NAME SOURCES fuzz_x.c LINK ...): LLVMFuzzerTestOneInput as a libFuzzer program (preset fuzz), and else as a
# program that runs the saved corpus tests/fuzz/corpus/NAME as a test.
function(tmflow_fuzz name)
	cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
	add_executable(fuzz_${name} ${ARG_SOURCES})
	target_link_libraries(fuzz_${name} PRIVATE tmflow_flags ${ARG_LINK})
	if(TMFLOW_FUZZ)
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
	else()
		target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
		add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
		set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz)
	endif()
endfunction()
