// Programs are judged from bytes that may be anything: real ones, small hand-made ones for each
// kind, every truncation of those, and thousands of damaged ones.
#include "layer/common/exec_image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

namespace farside {
namespace {

image_report inspect(const std::string& bytes) {
    const auto read_at = [](void* context, void* to, std::size_t room, std::uint64_t offset
                         ) noexcept {
        const auto& from = *static_cast<const std::string*>(context);
        if (offset >= from.size()) {
            return 0L;
        }
        const std::size_t count = std::min(room, from.size() - static_cast<std::size_t>(offset));
        std::memcpy(to, from.data() + offset, count);
        return static_cast<long>(count);
    };
    std::string copy = bytes;
    return inspect_image({read_at, &copy});
}

image_kind kind_of_file(const char* path) {
    int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    EXPECT_GE(fd, 0) << path;
    const auto read_at = [](void* context, void* to, std::size_t room, std::uint64_t offset
                         ) noexcept {
        return static_cast<long>(
            ::pread(*static_cast<int*>(context), to, room, static_cast<off_t>(offset))
        );
    };
    const image_kind kind = inspect_image({read_at, &fd}).kind;
    ::close(fd);
    return kind;
}

template <class T>
void append(std::string& to, const T& value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Builds an ELF file: a header, program headers, and the bytes that they name.
class elf_builder {
public:
    elf_builder() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_DYN;
        header.e_machine = EM_X86_64;
        header.e_phoff = sizeof header;
        header.e_ehsize = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        add(PT_LOAD, PF_R | PF_X, std::string(16, '\x90'));
    }

    elf_builder& add(std::uint32_t type, std::uint32_t flags, const std::string& bytes) {
        parts_.push_back({type, flags, bytes});
        return *this;
    }

    elf_builder& interpreter(const std::string& path) {
        return add(PT_INTERP, PF_R, path + std::string(1, '\0'));
    }

    elf_builder& section_names(const std::string& names) {
        section_names_ = names;
        return *this;
    }

    [[nodiscard]] std::string build() {
        header.e_phnum = static_cast<std::uint16_t>(parts_.size());
        std::uint64_t at = sizeof header + parts_.size() * sizeof(Elf64_Phdr);
        std::string table;
        std::string bytes;
        for (const part& p : parts_) {
            Elf64_Phdr phdr{};
            phdr.p_type = p.type;
            phdr.p_flags = p.flags;
            phdr.p_offset = at;
            phdr.p_vaddr = 0x10000 + at;
            phdr.p_filesz = p.bytes.size();
            append(table, phdr);
            bytes += p.bytes;
            at += p.bytes.size();
        }
        if (!section_names_.empty()) {
            header.e_shoff = at;
            header.e_shentsize = sizeof(Elf64_Shdr);
            header.e_shnum = 2;
            header.e_shstrndx = 1;
            Elf64_Shdr names{};
            append(bytes, names);
            names.sh_type = SHT_STRTAB;
            names.sh_offset = at + 2 * sizeof names;
            names.sh_size = section_names_.size();
            append(bytes, names);
            bytes += section_names_;
        }
        std::string file;
        append(file, header);
        return file + table + bytes;
    }

    Elf64_Ehdr header{};

private:
    struct part {
        std::uint32_t type;
        std::uint32_t flags;
        std::string bytes;
    };

    std::vector<part> parts_;
    std::string section_names_;
};

constexpr char glibc[] = "/lib64/ld-linux-x86-64.so.2";

std::string note(const std::string& name, const std::string& description) {
    const auto padded = [](std::string text) {
        text.resize((text.size() + 3) / 4 * 4);
        return text;
    };
    std::string bytes;
    append(
        bytes,
        Elf64_Nhdr{
            static_cast<std::uint32_t>(name.size()),
            static_cast<std::uint32_t>(description.size()),
            4}
    );
    return bytes + padded(name) + padded(description);
}

// A loadable piece with a dynamic section whose DT_SONAME is `name`. Addresses as build() gives
// them.
std::string with_soname(const std::string& name) {
    const std::uint64_t table = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr) + 16;
    std::string strings = std::string(1, '\0') + name + std::string(1, '\0');
    std::string dynamic;
    append(dynamic, Elf64_Dyn{DT_SONAME, {1}});
    append(dynamic, Elf64_Dyn{DT_STRTAB, {0x10000 + table}});
    append(dynamic, Elf64_Dyn{DT_NULL, {0}});
    return elf_builder{}.add(PT_LOAD, PF_R, strings).add(PT_DYNAMIC, PF_R, dynamic).build();
}

std::string go_magic() {
    return std::string("\xff Go buildinf:") + std::string(32, '\0');
}

struct named_image {
    const char* name;
    image_kind kind;
    std::string bytes;
};

std::vector<named_image> images() {
    using enum image_kind;
    elf_builder small, arm, big_endian, object, no_headers, wrong_size;
    small.header.e_ident[EI_CLASS] = ELFCLASS32;
    arm.header.e_machine = EM_AARCH64;
    big_endian.header.e_ident[EI_DATA] = ELFDATA2MSB;
    object.header.e_type = ET_REL;
    wrong_size.header.e_phentsize = 32;
    std::string without_headers = no_headers.build();
    std::memset(without_headers.data() + offsetof(Elf64_Ehdr, e_phnum), 0, 2);
    const std::string long_way(250, 'x');
    return {
        {"glibc", covered, elf_builder{}.interpreter(glibc).build()},
        {"glibc elsewhere",
         covered,
         elf_builder{}.interpreter("/nix/store/abc/lib/ld-linux-x86-64.so.2").build()},
        {"musl", musl, elf_builder{}.interpreter("/lib/ld-musl-x86_64.so.1").build()},
        {"uclibc", other_loader, elf_builder{}.interpreter("/lib/ld64-uClibc.so.0").build()},
        {"long loader", other_loader, elf_builder{}.interpreter("/" + long_way + long_way).build()},
        {"loader without end", malformed, elf_builder{}.add(PT_INTERP, PF_R, "/lib/ld").build()},
        {"no loader", statically_linked, elf_builder{}.build()},
        {"glibc's loader", covered, with_soname("ld-linux-x86-64.so.2")},
        {"a library", statically_linked, with_soname("libx.so.1")},
        {"Go by note",
         go,
         elf_builder{}
             .interpreter(glibc)
             .add(PT_NOTE, PF_R, note(std::string("Go\0\0", 4), "id"))
             .build()},
        {"Go by second note",
         go,
         elf_builder{}
             .interpreter(glibc)
             .add(PT_NOTE, PF_R, note("GNU", "xyz") + note(std::string("Go\0\0", 4), "id"))
             .build()},
        {"Go, static",
         go,
         elf_builder{}.add(PT_NOTE, PF_R, note(std::string("Go\0\0", 4), "id")).build()},
        {"Go by section",
         go,
         elf_builder{}
             .interpreter(glibc)
             .section_names(std::string("\0.text\0.go.buildinfo\0", 21))
             .build()},
        {"Go by late section",
         go,
         elf_builder{}
             .interpreter(glibc)
             .section_names(std::string(1018, 'x') + std::string("\0.go.buildinfo\0", 15))
             .build()},
        {"Go by data",
         go,
         elf_builder{}.interpreter(glibc).add(PT_LOAD, PF_R | PF_W, go_magic()).build()},
        {"Go by later data",
         go,
         elf_builder{}
             .interpreter(glibc)
             .add(PT_LOAD, PF_R | PF_W, std::string(256 - 16, 'x') + go_magic())
             .build()},
        {"other notes",
         covered,
         elf_builder{}.interpreter(glibc).add(PT_NOTE, PF_R, note("GNU", "abc")).build()},
        {"endless note",
         covered,
         elf_builder{}.interpreter(glibc).add(PT_NOTE, PF_R, std::string(12, '\xff')).build()},
        {"32-bit", image_kind::elf32, small.build()},
        {"aarch64", other_machine, arm.build()},
        {"big endian", other_machine, big_endian.build()},
        {"object file", malformed, object.build()},
        {"no program headers", malformed, without_headers},
        {"odd program headers", malformed, wrong_size.build()},
    };
}

TEST(ExecImage, JudgesHandMadeFiles) {
    for (const named_image& image : images()) {
        SCOPED_TRACE(image.name);
        const image_kind kind = inspect(image.bytes).kind;
        EXPECT_EQ(kind, image.kind) << describe(kind);
    }
}

TEST(ExecImage, JudgesRealPrograms) {
    EXPECT_EQ(kind_of_file("/bin/ls"), image_kind::covered);
    EXPECT_EQ(kind_of_file("/proc/self/exe"), image_kind::covered);
    EXPECT_EQ(kind_of_file("/lib64/ld-linux-x86-64.so.2"), image_kind::covered);
    EXPECT_EQ(kind_of_file(IMAGE_STATIC), image_kind::statically_linked);
    EXPECT_EQ(kind_of_file(IMAGE_STATIC_PIE), image_kind::statically_linked);
    EXPECT_EQ(kind_of_file("/etc/passwd"), image_kind::foreign);
}

TEST(ExecImage, EveryTruncationIsJudged) {
    for (const named_image& image : images()) {
        SCOPED_TRACE(image.name);
        for (std::size_t bytes = 0; bytes < image.bytes.size(); ++bytes) {
            const image_kind kind = inspect(image.bytes.substr(0, bytes)).kind;
            if (bytes < SELFMAG) {
                EXPECT_EQ(kind, image_kind::foreign);
            }
            EXPECT_STRNE(describe(kind), "of an unknown kind");
        }
    }
}

TEST(ExecImage, DamagedFilesAreJudged) {
    std::mt19937_64 random{3};
    const std::vector<named_image> all = images();
    for (int round = 0; round < 40000; ++round) {
        std::string bytes = all[random() % all.size()].bytes;
        for (std::size_t hits = 1 + random() % 4; hits > 0; --hits) {
            const std::size_t at = 4 + random() % (std::min<std::size_t>(bytes.size(), 400) - 4);
            if (random() % 2 == 0 && at + 8 <= bytes.size()) {
                const std::uint64_t extremes[] = {
                    0, UINT64_MAX, INT64_MAX, INT64_MAX / 2, UINT64_MAX - 63, random()};
                std::memcpy(bytes.data() + at, &extremes[random() % 6], 8);
            } else {
                bytes[at] = static_cast<char>(random());
            }
        }
        EXPECT_STRNE(describe(inspect(bytes).kind), "of an unknown kind");
    }
}

TEST(ExecImage, AReadErrorIsNoProgram) {
    const auto fails = [](void*, void*, std::size_t, std::uint64_t) noexcept { return -5L; };
    EXPECT_EQ(inspect_image({fails, nullptr}).kind, image_kind::foreign);
}

TEST(ExecImage, ReadsScriptLinesAsTheKernelDoes) {
    struct row {
        std::string bytes;
        image_kind kind;
        std::string interpreter;
        std::string argument;
    };
    using enum image_kind;
    const std::string fits(253, 'i');
    const row rows[] = {
        {"#!/bin/sh\n", script, "/bin/sh", ""},
        {"#!/bin/sh", script, "/bin/sh", ""},
        {"#! \t/bin/sh \t\necho", script, "/bin/sh", ""},
        {"#!/usr/bin/env python3\n", script, "/usr/bin/env", "python3"},
        {"#!/usr/bin/env  -S  a b\t\n", script, "/usr/bin/env", "-S  a b"},
        {"#!sh\n", script, "sh", ""},
        {"#!\n", foreign, "", ""},
        {"#!", foreign, "", ""},
        {"#!   \t\n/bin/sh", foreign, "", ""},
        {"#!" + std::string(300, ' '), foreign, "", ""},
        {"#", foreign, "", ""},
        {"#!/bin/sh\r\n", script, "/bin/sh\r", ""},
        {"#!" + fits + "\n", script, fits, ""},
        {"#!" + fits + "ii\n", foreign, "", ""},
        {"#!/bin/sh " + std::string(300, 'a') + "\n", script, "/bin/sh", std::string(245, 'a')},
        {std::string("#!/bin/sh\0x\n", 12), script, "/bin/sh", ""},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(r.bytes.substr(0, 30));
        const image_report report = inspect(r.bytes);
        EXPECT_EQ(report.kind, r.kind) << describe(report.kind);
        EXPECT_EQ(report.interpreter, r.interpreter);
        EXPECT_EQ(report.argument, r.argument);
    }
}

}  // namespace
}  // namespace farside
