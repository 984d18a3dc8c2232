# Every target of this tree links tmflow_flags, privately: language level, warnings, hardening. Nothing
# of it is installed: a host that links libtmflow has flags of its own.
add_library(tmflow_flags INTERFACE)
target_compile_features(tmflow_flags INTERFACE c_std_17)
target_include_directories(tmflow_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(tmflow_flags INTERFACE _GNU_SOURCE TMFLOW_VERSION="${PROJECT_VERSION}")
target_compile_options(tmflow_flags INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough
	-Wnull-dereference -Wdouble-promotion -Wno-format-nonliteral
	-fno-strict-aliasing -fno-common -fstack-protector-strong -fstack-clash-protection
	-fno-plt) # all is bound at the start in any case
target_link_options(tmflow_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
	target_compile_options(tmflow_flags INTERFACE -fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
	target_compile_options(tmflow_flags INTERFACE -mbranch-protection=standard)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
	# An action that is missing in actions.tbl.h is a variable without a declaration. (gcc 12 has no such warning.)
	target_compile_options(tmflow_flags INTERFACE -Wmissing-variable-declarations)
endif()
if(TMFLOW_WERROR)
	target_compile_options(tmflow_flags INTERFACE -Werror)
endif()
set(CMAKE_C_EXTENSIONS ON)
# CMake links position-independent programs only after it has been made to look how.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Optimised, unless asked otherwise. (CMake's own default is neither optimised nor for debugging.)
get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT multi_config)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()
# Asserts stay on in every build: CMake's Release would define NDEBUG.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo)$")
	# Level 3, which knows the sizes of what is allocated, is gcc's from 12 on; clang 14 takes it as 2.
	if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
		target_compile_options(tmflow_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	else()
		target_compile_options(tmflow_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
	endif()
endif()

if(TMFLOW_SANITIZE)
	target_compile_options(tmflow_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(tmflow_flags INTERFACE -fsanitize=address,undefined)
endif()
if(TMFLOW_COVERAGE)
	target_compile_options(tmflow_flags INTERFACE --coverage)
	target_link_options(tmflow_flags INTERFACE --coverage)
endif()
if(TMFLOW_FUZZ)
	target_compile_options(tmflow_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TMFLOW_TIDY)
	find_program(CLANG_TIDY NAMES clang-tidy clang-tidy-14 REQUIRED)
	set(CMAKE_C_CLANG_TIDY ${CLANG_TIDY} --quiet)
endif()
