# Every target links tmflow_flags: language level, warnings as errors, hardening.
add_library(tmflow_flags INTERFACE)
target_compile_features(tmflow_flags INTERFACE c_std_17)
target_include_directories(tmflow_flags INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/include)
target_compile_definitions(tmflow_flags INTERFACE _GNU_SOURCE TMFLOW_VERSION="${PROJECT_VERSION}")
target_compile_options(tmflow_flags INTERFACE
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough
	-Wnull-dereference -Wdouble-promotion -Wno-format-nonliteral
	-fno-strict-aliasing -fno-common -fstack-protector-strong)
target_link_options(tmflow_flags INTERFACE -Wl,-z,relro,-z,now)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Asserts stay on in every build: CMake's Release would define NDEBUG.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo)$")
	target_compile_definitions(tmflow_flags INTERFACE _FORTIFY_SOURCE=2)
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
