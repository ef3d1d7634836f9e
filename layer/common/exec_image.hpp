// What kind of program a file is, from its first bytes: whether the layer can live inside it. Asked
// before it runs, by the launcher and by the layer on every exec. Freestanding: files are read
// through a callback.
#pragma once

#include <cstddef>
#include <cstdint>

namespace farside {

enum class image_kind : std::uint8_t {
    covered,  // dynamic x86-64 ELF with glibc's loader
    script,   // "#!": the interpreter is what counts
    foreign,  // neither ELF nor script: the kernel or the shell decides (binfmt_misc, ENOEXEC)
    statically_linked,
    go,  // makes system calls without libc, also when linked dynamically
    musl,
    other_loader,  // a dynamic loader that is not glibc's
    elf32,
    other_machine,
    malformed,  // an ELF header that cannot be understood
};

// pread(2) semantics on the file in question: bytes read, 0 at the end, -errno.
struct image_reader {
    long (*read_at)(void* context, void* buffer, std::size_t bytes, std::uint64_t offset) noexcept;
    void* context;
};

struct image_report {
    static constexpr std::size_t interpreter_room =
        256;  // BINPRM_BUF_SIZE: the kernel looks no further

    image_kind kind;
    char interpreter[interpreter_room];  // of a script: the path after "#!", NUL-terminated
    char argument[interpreter_room];     // of a script: its one argument, or ""
};

[[nodiscard]] image_report inspect_image(const image_reader& reader) noexcept;

// A short phrase for messages: "statically linked", "a Go program", ...
[[nodiscard]] const char* describe(image_kind kind) noexcept;

}  // namespace farside
