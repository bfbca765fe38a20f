#error "this layer may not include libwebsockets (see CMakeLists.txt)"
