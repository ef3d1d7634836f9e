// Seeds of what the layer reads: paths with rules, and programs of each kind.
#include "fuzz/corpus_writer.hpp"

#include <cstring>

#include <elf.h>

namespace farside {
namespace {

template <typename T>
void append(std::string& to, const T& value) {
    std::string raw(sizeof value, '\0');
    std::memcpy(raw.data(), &value, sizeof value);
    to += raw;
}

Elf64_Ehdr elf_header(std::uint16_t parts) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = parts;
    return header;
}

// A program with one part of the given type and content.
std::string elf(std::uint32_t type, const std::string& content) {
    Elf64_Phdr part{};
    part.p_type = type;
    part.p_flags = PF_R | PF_W;
    part.p_offset = sizeof(Elf64_Ehdr) + sizeof part;
    part.p_filesz = content.size();
    std::string file;
    append(file, elf_header(1));
    append(file, part);
    return file + content;
}

// glibc's loader: a program without a loader that is named so.
std::string loader() {
    const std::string name{"\0ld-linux-x86-64.so.2\0", 22};
    constexpr std::uint64_t dynamic_at = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
    Elf64_Dyn entries[3]{};
    entries[0].d_tag = DT_STRTAB;
    entries[0].d_un.d_ptr = dynamic_at + sizeof entries;
    entries[1].d_tag = DT_SONAME;
    entries[1].d_un.d_val = 1;
    Elf64_Phdr loaded{};
    loaded.p_type = PT_LOAD;
    loaded.p_filesz = dynamic_at + sizeof entries + name.size();
    Elf64_Phdr dynamic{};
    dynamic.p_type = PT_DYNAMIC;
    dynamic.p_offset = dynamic_at;
    dynamic.p_filesz = sizeof entries;
    std::string file;
    append(file, elf_header(2));
    append(file, loaded);
    append(file, dynamic);
    append(file, entries);
    return file + name;
}

std::string go_note() {
    std::string note;
    append(note, Elf64_Nhdr{4, 4, 4});
    return note + std::string{"Go\0\0text", 8};
}

}  // namespace

void add_layer_seeds(corpus_writer& out) {
    const std::string images = "fuzz_exec_image";
    const auto named = [](const char* name) { return std::string{name, std::strlen(name) + 1}; };
    out.add(images, "glibc", elf(PT_INTERP, named("/lib64/ld-linux-x86-64.so.2")));
    out.add(images, "musl", elf(PT_INTERP, named("/lib/ld-musl-x86_64.so.1")));
    out.add(images, "static", elf(PT_LOAD, "text"));
    out.add(images, "go_note", elf(PT_NOTE, go_note()));
    out.add(images, "go_data", elf(PT_LOAD, "\xff Go buildinf:"));
    out.add(images, "loader", loader());
    out.add(images, "script", "#!  /usr/bin/env -S python3 -u \nprint()\n");
    out.add(images, "long_script", "#!/" + std::string(300, 'x') + "\n");

    const std::string policies = "fuzz_path_policy";
    out.add(policies, "relative", std::string{"/srv/app\n../../etc/./passwd\n01-/etc\n"});
    out.add(policies, "climbing", std::string{"/\n../..//a/b/../c/\n20-.so\n"});
    out.add(
        policies,
        "rules",
        std::string{"/home/user\n.aws/Credentials\n03i/home/user/.AWS\n11-/ho\n22-.pyc\n"
                    "33-/exact\n40i/node_modules/\n51-/home\n00-/\n"}
    );
    out.add(
        policies, "all_local", std::string{"/usr/lib\nx/libc.so.6\n50-/usr\n00-/usr/lib\n01-/\n"}
    );
}

}  // namespace farside
