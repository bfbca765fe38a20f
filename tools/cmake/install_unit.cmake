# SPDX-License-Identifier: MIT
# The service, with the paths under which the programs are really found.
set(unit_at "${CMAKE_INSTALL_PREFIX}/lib/systemd/system/relayd.service")
file(READ "${RELAY_UNIT}" unit)
foreach(name relayd relay-fetch)
  string(REPLACE "/usr/bin/${name}"
    "${CMAKE_INSTALL_PREFIX}/${RELAY_BIN}/${name}" unit "${unit}")
endforeach()
string(REPLACE "file:/usr/share/doc" "file:${CMAKE_INSTALL_PREFIX}/share/doc"
  unit "${unit}")
message(STATUS "Installing: $ENV{DESTDIR}${unit_at}")
file(WRITE "$ENV{DESTDIR}${unit_at}" "${unit}")
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${unit_at}")
