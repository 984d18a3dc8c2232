# What `cmake --install` puts in place: to run tmflow, and to link libtmflow.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tmflow)

install(TARGETS tmflow_shared tmflow_static EXPORT tmflow-targets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tmflow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT tmflow-targets NAMESPACE tmflow:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tmflow-config.cmake.in
	${PROJECT_BINARY_DIR}/tmflow-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change what programs link with.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tmflow-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tmflow-config.cmake ${PROJECT_BINARY_DIR}/tmflow-config-version.cmake
	DESTINATION ${package_dir})
# Relative, so that `cmake --install --prefix` may put it anywhere.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/tmflow.pc.in ${PROJECT_BINARY_DIR}/tmflow.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tmflow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(TMFLOW_PROGRAM)
	install(TARGETS tmflow ec2sim)
	install(FILES ${PROJECT_SOURCE_DIR}/src/tmflow.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
	install(DIRECTORY ${PROJECT_SOURCE_DIR}/workflows ${PROJECT_SOURCE_DIR}/config ${PROJECT_SOURCE_DIR}/lua
		DESTINATION ${CMAKE_INSTALL_DATADIR}/tmflow PATTERN parts EXCLUDE) # the workflows are complete without
	install(FILES ${PROJECT_SOURCE_DIR}/tools/deploy/tmflow-worker.service
		${PROJECT_SOURCE_DIR}/tools/deploy/tmflow-reconcile.service DESTINATION lib/systemd/system)
	# Manual pages and completion are written by the program, out of its option table. One of another architecture needs an
	# emulator.
	if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
		install(CODE "set(tmflow ${CMAKE_CROSSCOMPILING_EMULATOR} \"$<TARGET_FILE:tmflow>\")
			set(made \"${PROJECT_BINARY_DIR}/installed\")
			set(man_dir \"${CMAKE_INSTALL_MANDIR}/man1\")
			set(data_dir \"${CMAKE_INSTALL_DATADIR}\")
			include(\"${CMAKE_CURRENT_LIST_DIR}/install_written.cmake\")")
	endif()
endif()
