# farside_options: what every target of ours compiles with. Linked PRIVATE, so that warnings never
# reach a dependent.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# The tree under build/<preset> has the shape of an installation, so programs run from either.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

add_library(farside_options INTERFACE)
target_compile_features(farside_options INTERFACE cxx_std_20)
target_include_directories(farside_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(
    farside_options
    INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
              -Wcast-qual -Wcast-align -Wformat=2 -Wnon-virtual-dtor -Woverloaded-virtual
              -Wimplicit-fallthrough -Wundef -Wextra-semi)

# Sanitizers are apart: the preload library lives in other people's processes and never has them.
add_library(farside_sanitize INTERFACE)
if(FARSIDE_SANITIZE)
    target_compile_options(
        farside_sanitize INTERFACE -fsanitize=${FARSIDE_SANITIZE} -fno-omit-frame-pointer
                                   -fno-sanitize-recover=all)
    target_link_options(farside_sanitize INTERFACE -fsanitize=${FARSIDE_SANITIZE})
    if(FARSIDE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(farside_sanitize INTERFACE -Wno-tsan) # fences inside Asio
    endif()
    if(FARSIDE_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        target_compile_options(farside_sanitize INTERFACE -fno-sanitize=function) # coroutines
    endif()
endif()
