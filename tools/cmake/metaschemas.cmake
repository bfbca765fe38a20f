# SPDX-License-Identifier: MIT
# Turns protocol/metaschema/*.json, as they were published, into one C table.
# Written when the build is configured; a changed file configures it again.
function(relay_metaschemas output)
  file(GLOB files CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/protocol/metaschema/*.json)
  set(texts "")
  set(table "")
  set(index 0)
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    string(JSON id GET "${text}" "$id")
    string(REGEX REPLACE "#$" "" id "${id}")
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND texts "static const char text_${index}[] = {${bytes}};\n")
    string(APPEND table
      "\t{ \"${id}\", text_${index}, sizeof(text_${index}) },\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${output} CONTENT
"/* Made of protocol/metaschema by tools/cmake/metaschemas.cmake. */
#include \"schema_set.h\"

${texts}
static const struct {
	const char *uri;
	const char *text;
	size_t length;
} table[] = {
${table}};

struct view
schema_bundled(struct view uri)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (view_is(uri, table[i].uri))
			return view_make(table[i].text, table[i].length);
	return view_make(NULL, 0);
}
" @ONLY)
endfunction()
