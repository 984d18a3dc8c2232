# tmflow_assets(OUTPUT FILE...): a C file that holds the bytes of each file, as struct web_asset (web/page/asset.h).
# Called by itself with cmake -P, it writes that file.
if(CMAKE_SCRIPT_MODE_FILE)
	set(text "#include \"web/page/asset.h\"\n\n")
	set(rows "")
	foreach(file IN LISTS FILES)
		cmake_path(GET file FILENAME name)
		string(MAKE_C_IDENTIFIER ${name} symbol)
		file(READ ${file} hex HEX)
		string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
		string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
		string(APPEND text "static const char asset_${symbol}[] = {\n${bytes}0};\n\n")
		string(APPEND rows "\t{\"${name}\", {asset_${symbol}, sizeof(asset_${symbol}) - 1}},\n")
	endforeach()
	file(WRITE ${OUTPUT} "${text}const struct web_asset web_assets[] = {\n${rows}\t{0},\n};\n")
	return()
endif()

function(tmflow_assets output)
	list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
	add_custom_command(
		OUTPUT ${output}
		COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DOUTPUT=${output} -P ${PROJECT_SOURCE_DIR}/tools/cmake/assets.cmake
		DEPENDS ${files} ${PROJECT_SOURCE_DIR}/tools/cmake/assets.cmake
		COMMENT "Writing the assets of the pages into C"
		VERBATIM)
endfunction()
