# libtmflow, shared and static, of the layers up to embed. Only the symbols that src/embed/libtmflow.map names are
# global in either, so that a host may have a buf_add of its own.
set(library_layers tmflow_base tmflow_loop tmflow_asl tmflow_store tmflow_data tmflow_engine tmflow_embed)
set(library_packages PkgConfig::JANSSON PkgConfig::CRYPTO PkgConfig::YAML PkgConfig::SQLITE PkgConfig::PCRE2 PkgConfig::ZLIB m)
set(library_map ${PROJECT_SOURCE_DIR}/src/embed/libtmflow.map)

# The number in the soname changes with the functions and structs of include/tmflow/ (CHANGELOG.md).
set(TMFLOW_SOVERSION 0)

# One object of all layers, in which objcopy makes local whatever a host need not see.
set(library_object ${PROJECT_BINARY_DIR}/libtmflow.o)
list(TRANSFORM library_layers REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE library_archives)
add_custom_command(
	OUTPUT ${library_object}
	COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${library_object}
		-Wl,--whole-archive ${library_archives} -Wl,--no-whole-archive
	COMMAND ${CMAKE_OBJCOPY} --wildcard "--keep-global-symbol=tmf_*" ${library_object}
	DEPENDS ${library_layers}
	COMMENT "Joining the layers of libtmflow"
	VERBATIM)
add_custom_target(tmflow_object DEPENDS ${library_object})

foreach(type IN ITEMS SHARED STATIC)
	string(TOLOWER tmflow_${type} target)
	add_library(${target} ${type} ${library_object})
	add_dependencies(${target} tmflow_object)
	target_include_directories(${target} INTERFACE
		$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
	set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME tmflow
		LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR} ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endforeach()

# jansson alone is in the headers.
target_link_libraries(tmflow_shared PUBLIC PkgConfig::JANSSON PRIVATE tmflow_flags ${library_packages})
target_link_options(tmflow_shared PRIVATE LINKER:--version-script=${library_map} LINKER:--as-needed)
if(NOT TMFLOW_SANITIZE AND NOT TMFLOW_FUZZ)
	target_link_options(tmflow_shared PRIVATE LINKER:--no-undefined)
endif()
set_target_properties(tmflow_shared PROPERTIES
	VERSION ${PROJECT_VERSION} SOVERSION ${TMFLOW_SOVERSION} LINK_DEPENDS ${library_map} EXPORT_NAME tmflow)
target_link_libraries(tmflow_static INTERFACE ${library_packages})
