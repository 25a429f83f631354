# odradek_messages(name FOLDER folder NAMESPACE namespace): runs the generator over <folder>/*.msg into
# ${CMAKE_BINARY_DIR}/generated/<folder> and sets in the caller
#   <name>_CODEC_SOURCES, <name>_JSON_SOURCES, <name>_SAMPLES_SOURCES
# A library that compiles one of them makes everything that links it wait for the headers.
function(odradek_messages name)
  cmake_parse_arguments(arg "" "FOLDER;NAMESPACE" "" ${ARGN})
  set(generator ${CMAKE_SOURCE_DIR}/net/kafka/generator)
  file(GLOB descriptions CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${arg_FOLDER}/*.msg)
  file(GLOB scripts CONFIGURE_DEPENDS ${generator}/*.py)
  # The messages decide which files there are.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${descriptions} ${scripts})
  set(command ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${Python3_EXECUTABLE}
    ${generator}/main.py --out ${CMAKE_BINARY_DIR}/generated --root ${CMAKE_SOURCE_DIR}
    --folder ${arg_FOLDER} --namespace ${arg_NAMESPACE} --name ${name})
  execute_process(COMMAND ${command} --list ${descriptions} OUTPUT_VARIABLE listed
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" outputs "${listed}")
  add_custom_command(OUTPUT ${outputs} COMMAND ${command} ${descriptions}
    DEPENDS ${descriptions} ${scripts} COMMENT "Generating ${name} messages" VERBATIM)
  foreach(kind CODEC JSON SAMPLES)
    string(TOLOWER ${kind} prefix)
    set(sources ${outputs})
    list(FILTER sources INCLUDE REGEX "/${prefix}_[^/]*\\.cc$")
    set(${name}_${kind}_SOURCES ${sources} PARENT_SCOPE)
  endforeach()
  set(${name}_GENERATED ${outputs} PARENT_SCOPE)
endfunction()
