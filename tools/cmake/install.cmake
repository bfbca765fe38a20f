# SPDX-License-Identifier: MIT
# `cmake --install build/release [--prefix /usr]`, DESTDIR honoured: the
# programs, beside them in ../share what they look for, the service.
include(GNUInstallDirs)

function(relay_install)
  install(TARGETS relayd relayctl relay-fetch
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # relayd finds the bundled contract at <itself>/../share/relay/schemas.
  install(DIRECTORY schemas DESTINATION share/relay)
  install(FILES README.md LICENSE DESTINATION share/doc/relayd)
  # The prefix is known for certain only when it is installed.
  install(CODE "set(RELAY_UNIT \"${CMAKE_SOURCE_DIR}/tools/packaging/relayd.service\")
set(RELAY_BIN \"${CMAKE_INSTALL_BINDIR}\")")
  install(SCRIPT tools/cmake/install_unit.cmake)
endfunction()
