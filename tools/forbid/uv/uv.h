#error "this layer may not include libuv (see CMakeLists.txt)"
