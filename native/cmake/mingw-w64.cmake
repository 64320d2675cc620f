# Cross-builds for Windows on x86-64 with Debian's g++-mingw-w64-x86-64-posix; tests run under wine64.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/lib/wine/wine64)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# This compiler forgets that the stack is aligned to 16 bytes where it spills wider vectors (GCC bug 54412).
set(CMAKE_CXX_FLAGS_INIT "-Wa,-muse-unaligned-vector-move")
