# The Debian package, written by CPack for tools/package. The version is that of project() in CMakeLists.txt.
find_program(GZIP gzip REQUIRED)
set(TMFLOW_MAINTAINER "" CACHE STRING "Whom the package names: NAME <ADDRESS> (tools/package gives it)")
if(NOT TMFLOW_MAINTAINER)
	message(FATAL_ERROR "a Debian package names its maintainer: -D TMFLOW_MAINTAINER=\"NAME <ADDRESS>\"")
endif()
set(debian_revision 1)

# Two files that Debian wants of every package. The date is SOURCE_DATE_EPOCH.
string(TIMESTAMP debian_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${PROJECT_BINARY_DIR}/debian/changelog.Debian
	"tmflow (${PROJECT_VERSION}-${debian_revision}) stable; urgency=medium\n\n  * What changed is in changelog.gz.\n\n"
	" -- ${TMFLOW_MAINTAINER}  ${debian_date}\n")
file(READ ${PROJECT_SOURCE_DIR}/LICENSE debian_licence)
file(WRITE ${PROJECT_BINARY_DIR}/debian/copyright "${debian_licence}")
file(COPY_FILE ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_BINARY_DIR}/debian/changelog)
execute_process(COMMAND ${GZIP} -9nf changelog changelog.Debian
	WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/debian COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz
	${PROJECT_BINARY_DIR}/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The last step, when all manual pages are in place: Debian has them compressed.
install(CODE "file(GLOB debian_pages \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1/*.1\")
	execute_process(COMMAND ${GZIP} -9nf \${debian_pages} COMMAND_ERROR_IS_FATAL ANY)")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tmflow)
set(CPACK_PACKAGE_VENDOR tmflow)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# Folders of the package, whatever the umask of who builds it is.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${debian_revision})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${TMFLOW_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
string(CONCAT CPACK_DEBIAN_PACKAGE_DESCRIPTION "mirrors the traffic of EC2 instances by declarative workflows\n"
	"tmflow gives every instance that a configuration covers an AWS VPC Traffic\n"
	"Mirroring session. It runs workflows in the Amazon States Language. Every step\n"
	"is checkpointed, and each instance ends with a recorded outcome.")
# What is linked is found by dpkg-shlibdeps: libmicrohttpd, which tmflow loads, by way of ec2sim. TLS needs certificates.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS graphviz)
# Of libtmflow.so, for packages that link it.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers)
include(CPack)
