#error "this layer may not include hiredis (see CMakeLists.txt)"
