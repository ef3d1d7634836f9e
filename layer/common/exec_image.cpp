// Reads only what decides: the ELF header, the program headers, the loader's name, and the marks
// that the Go toolchain leaves. Every offset comes from the file and may be anything: sums are
// checked, and what is read is bounded.
#include "layer/common/exec_image.hpp"

#include <cstring>

#include <elf.h>

namespace farside {
namespace {

using size = std::size_t;

constexpr size program_headers_max = 1170;  // 64 KiB: the kernel runs no program with more
constexpr size notes_bytes_max = 4096;
constexpr size names_bytes_max = size{64} * 1024;
constexpr size go_scan_bytes_max = size{64} * 1024;
constexpr size dynamic_entries_max = 1024;
constexpr size chunk = 256;

struct source {
    const image_reader& reader;

    // Bytes read, fewer than asked only at the end of the file or after an error.
    size read(void* to, size bytes, std::uint64_t offset) const noexcept {
        size done = 0;
        while (done < bytes && offset <= INT64_MAX - bytes) {
            const long got = reader.read_at(
                reader.context, static_cast<char*>(to) + done, bytes - done, offset + done
            );
            if (got <= 0) {
                break;
            }
            done += static_cast<size>(got);
        }
        return done;
    }

    template <class T>
    bool read_all(T& to, std::uint64_t offset) const noexcept {
        return read(&to, sizeof to, offset) == sizeof to;
    }

    bool matches(const char* text, size bytes, std::uint64_t offset) const noexcept {
        char found[32];
        return bytes <= sizeof found && read(found, bytes, offset) == bytes &&
               std::memcmp(found, text, bytes) == 0;
    }
};

// What the program headers say.
struct program {
    bool bad = false;
    Elf64_Phdr interpreter{};
    Elf64_Phdr dynamic{};
    Elf64_Phdr notes[4]{};
    size note_count = 0;
    Elf64_Phdr first_writable{};
};

bool is_writable(const Elf64_Phdr& part) noexcept {
    return part.p_type == PT_LOAD && (part.p_flags & PF_W) != 0;
}

program read_program_headers(const source& file, const Elf64_Ehdr& header) noexcept {
    program found;
    found.bad = header.e_phnum == 0 || header.e_phnum > program_headers_max ||
                header.e_phentsize != sizeof(Elf64_Phdr);
    for (size i = 0; !found.bad && i < header.e_phnum; ++i) {
        Elf64_Phdr part;
        if (header.e_phoff > INT64_MAX / 2 ||
            !file.read_all(part, header.e_phoff + i * sizeof part)) {
            found.bad = true;
        } else if (part.p_type == PT_INTERP && found.interpreter.p_type == PT_NULL) {
            found.interpreter = part;
        } else if (part.p_type == PT_DYNAMIC) {
            found.dynamic = part;
        } else if (part.p_type == PT_NOTE && found.note_count < 4) {
            found.notes[found.note_count++] = part;
        } else if (is_writable(part) && found.first_writable.p_type == PT_NULL) {
            found.first_writable = part;
        }
    }
    return found;
}

bool has_go_note(const source& file, const Elf64_Phdr& notes) noexcept {
    const std::uint64_t bytes = notes.p_filesz < notes_bytes_max ? notes.p_filesz : notes_bytes_max;
    std::uint64_t at = 0;
    while (at + sizeof(Elf64_Nhdr) <= bytes && notes.p_offset < INT64_MAX / 2) {
        Elf64_Nhdr note;
        if (!file.read_all(note, notes.p_offset + at)) {
            return false;
        }
        const std::uint64_t name_at = notes.p_offset + at + sizeof note;
        if (note.n_namesz == 4 && file.matches("Go\0", 4, name_at)) {
            return true;
        }
        constexpr std::uint64_t alignment = 4;
        const auto padded = [](std::uint64_t n) { return (n + alignment - 1) & ~(alignment - 1); };
        at += sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
    }
    return false;
}

// Looks for `text` in a range of the file, at multiples of `step` from its start.
bool scan(
    const source& file,
    std::uint64_t offset,
    std::uint64_t bytes,
    const char* text,
    size text_bytes,
    size step
) noexcept {
    char window[2 * chunk];
    for (std::uint64_t done = 0; done < bytes; done += chunk) {
        if (offset > INT64_MAX / 2) {
            return false;
        }
        // The second half is there for a text that begins in the first.
        const size got = file.read(window, sizeof window, offset + done);
        for (size i = 0; i < chunk && i + text_bytes <= got; i += step) {
            if (std::memcmp(window + i, text, text_bytes) == 0) {
                return true;
            }
        }
        if (got < sizeof window) {
            return false;
        }
    }
    return false;
}

template <class T>
T smaller(T a, T b) noexcept {
    return a < b ? a : b;
}

// Programs linked by Go keep a note, or a section named .go.buildinfo. Without section headers,
// what that section holds is at a multiple of 16 in the first writable segment.
bool is_go(const source& file, const Elf64_Ehdr& header, const program& parts) noexcept {
    for (size i = 0; i < parts.note_count; ++i) {
        if (has_go_note(file, parts.notes[i])) {
            return true;
        }
    }
    const Elf64_Phdr& data = parts.first_writable;
    constexpr char magic[] = "\xff Go buildinf:";
    if (data.p_type == PT_LOAD && file.matches(magic, sizeof magic - 1, data.p_offset)) {
        return true;
    }
    Elf64_Shdr names;
    if (header.e_shoff != 0 && header.e_shoff < INT64_MAX / 2 &&
        header.e_shentsize == sizeof names && header.e_shstrndx != SHN_UNDEF &&
        file.read_all(names, header.e_shoff + std::uint64_t{header.e_shstrndx} * sizeof names) &&
        names.sh_type == SHT_STRTAB) {
        const std::uint64_t bytes = smaller<std::uint64_t>(names.sh_size, names_bytes_max);
        constexpr char name[] = ".go.buildinfo";
        return scan(file, names.sh_offset, bytes, name, sizeof name, 1);
    }
    return data.p_type == PT_LOAD && scan(
                                         file,
                                         data.p_offset,
                                         smaller<std::uint64_t>(data.p_filesz, go_scan_bytes_max),
                                         magic,
                                         sizeof magic - 1,
                                         16
                                     );
}

// The offset in the file of what is loaded at `address`; 0 where nothing is.
std::uint64_t file_offset(
    const source& file, const Elf64_Ehdr& header, std::uint64_t address
) noexcept {
    for (size i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr part;
        if (file.read_all(part, header.e_phoff + i * sizeof part) && part.p_type == PT_LOAD &&
            address >= part.p_vaddr && address - part.p_vaddr < part.p_filesz &&
            part.p_offset < INT64_MAX / 2) {
            return part.p_offset + (address - part.p_vaddr);
        }
    }
    return 0;
}

// glibc's loader is itself a program without a loader, and covers the one it is told to run.
bool is_glibc_loader(
    const source& file, const Elf64_Ehdr& header, const Elf64_Phdr& dynamic
) noexcept {
    if (dynamic.p_type != PT_DYNAMIC || dynamic.p_offset > INT64_MAX / 2) {
        return false;
    }
    std::uint64_t strings = 0;  // an address
    std::uint64_t name = UINT64_MAX;
    const std::uint64_t entries =
        smaller<std::uint64_t>(dynamic.p_filesz / sizeof(Elf64_Dyn), dynamic_entries_max);
    for (std::uint64_t i = 0; i < entries; ++i) {
        Elf64_Dyn entry;
        if (!file.read_all(entry, dynamic.p_offset + i * sizeof entry) || entry.d_tag == DT_NULL) {
            break;
        }
        if (entry.d_tag == DT_STRTAB) {
            strings = entry.d_un.d_ptr;
        } else if (entry.d_tag == DT_SONAME) {
            name = entry.d_un.d_val;
        }
    }
    constexpr char wanted[] = "ld-linux-x86-64.so.2";
    if (strings == 0 || name >= UINT32_MAX) {
        return false;
    }
    const std::uint64_t at = file_offset(file, header, strings);
    return at != 0 && file.matches(wanted, sizeof wanted, at + name);
}

image_kind judge_loader(const source& file, const Elf64_Phdr& part) noexcept {
    char path[image_report::interpreter_room];
    // The kernel takes names up to PATH_MAX; no loader we know of has one near our room.
    if (part.p_filesz < 2 || part.p_filesz > 4096) {
        return image_kind::malformed;
    }
    if (part.p_filesz > sizeof path) {
        return image_kind::other_loader;
    }
    const size bytes = static_cast<size>(part.p_filesz);
    if (file.read(path, bytes, part.p_offset) != bytes || path[bytes - 1] != '\0') {
        return image_kind::malformed;
    }
    const char* name = path;
    for (const char* at = path; *at != '\0'; ++at) {
        if (*at == '/') {
            name = at + 1;
        }
    }
    const auto is = [&](const char* prefix) {
        return std::strlen(name) >= std::strlen(prefix) &&
               std::memcmp(name, prefix, std::strlen(prefix)) == 0;
    };
    if (is("ld-musl")) {
        return image_kind::musl;
    }
    return is("ld-linux-x86-64.so.") || is("ld-lsb-x86-64.so.") || is("ld-2.")
               ? image_kind::covered
               : image_kind::other_loader;
}

image_kind judge_elf(const source& file) noexcept {
    Elf64_Ehdr header;
    const size got = file.read(&header, sizeof header, 0);
    if (got <= EI_CLASS) {
        return image_kind::malformed;
    }
    if (header.e_ident[EI_CLASS] == ELFCLASS32) {
        return image_kind::elf32;
    }
    if (got < sizeof header || header.e_ident[EI_CLASS] != ELFCLASS64) {
        return image_kind::malformed;
    }
    // Of another byte order too: its machine number, read as ours, is not ours.
    if (header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64) {
        return image_kind::other_machine;
    }
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
        return image_kind::malformed;
    }
    const program parts = read_program_headers(file, header);
    if (parts.bad) {
        return image_kind::malformed;
    }
    if (is_go(file, header, parts)) {
        return image_kind::go;
    }
    if (parts.interpreter.p_type == PT_INTERP) {
        return judge_loader(file, parts.interpreter);
    }
    return is_glibc_loader(file, header, parts.dynamic) ? image_kind::covered
                                                        : image_kind::statically_linked;
}

bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

// As the kernel's load_script(): the line ends at a newline, or where the file or its first 256
// bytes end; then blanks, the interpreter, blanks, and all the rest, less trailing blanks, is one
// argument.
image_kind read_script(const source& file, image_report& report) noexcept {
    constexpr size room = image_report::interpreter_room;
    char line[room];
    std::memset(line, 0, sizeof line);
    (void)file.read(line, sizeof line, 0);
    size end = 2;
    while (end < room && line[end] != '\n' && line[end] != '\0') {
        ++end;
    }
    const bool cut = end == room;
    if (cut) {
        end = room - 1;  // the kernel's last byte is its terminator
    }
    while (end > 2 && is_blank(line[end - 1])) {
        --end;
    }
    size name = 2;
    while (name < end && is_blank(line[name])) {
        ++name;
    }
    size name_end = name;
    while (name_end < end && !is_blank(line[name_end])) {
        ++name_end;
    }
    // A name that may go on behind the 256 bytes is refused.
    if (name == name_end || (cut && name_end == room - 1 && !is_blank(line[room - 1]))) {
        return image_kind::foreign;
    }
    size argument = name_end;
    while (argument < end && is_blank(line[argument])) {
        ++argument;
    }
    std::memcpy(report.interpreter, line + name, name_end - name);
    std::memcpy(report.argument, line + argument, end - argument);
    return image_kind::script;
}

}  // namespace

image_report inspect_image(const image_reader& reader) noexcept {
    image_report report;
    std::memset(&report, 0, sizeof report);
    const source file{reader};
    char magic[SELFMAG];
    const size got = file.read(magic, sizeof magic, 0);
    if (got >= 2 && magic[0] == '#' && magic[1] == '!') {
        report.kind = read_script(file, report);
    } else if (got == SELFMAG && std::memcmp(magic, ELFMAG, SELFMAG) == 0) {
        report.kind = judge_elf(file);
    } else {
        report.kind = image_kind::foreign;
    }
    return report;
}

const char* describe(image_kind kind) noexcept {
    switch (kind) {
        case image_kind::covered:
            return "a program that can be covered";
        case image_kind::script:
            return "a script";
        case image_kind::foreign:
            return "neither an ELF program nor a script";
        case image_kind::statically_linked:
            return "statically linked";
        case image_kind::go:
            return "a Go program";
        case image_kind::musl:
            return "linked with musl";
        case image_kind::other_loader:
            return "linked with a loader other than glibc's";
        case image_kind::elf32:
            return "a 32-bit program";
        case image_kind::other_machine:
            return "a program for another machine";
        case image_kind::malformed:
            return "a malformed ELF file";
    }
    return "of an unknown kind";
}

}  // namespace farside
