// The built library keeps its promises to the process it lives in: it imports nothing, exports
// nothing, needs no other library, runs no constructor and uses no vector register.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace {

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
    std::string text;
    std::array<char, 4096> part{};
    while (const std::size_t got = fread(part.data(), 1, part.size(), pipe.get())) {
        text.append(part.data(), got);
    }
    return text;
}

const std::string library = FARSIDE_PRELOAD_LIBRARY;

TEST(PreloadLibrary, ExportsAndImportsNothing) {
    EXPECT_EQ(output_of("nm -D " + library + " 2>/dev/null"), "");
}

TEST(PreloadLibrary, NeedsNoLibraryAndHasNoConstructor) {
    const std::string dynamic = output_of("readelf -dW " + library);
    ASSERT_NE(dynamic.find("RELA"), std::string::npos) << dynamic;
    EXPECT_EQ(dynamic.find("NEEDED"), std::string::npos) << dynamic;
    EXPECT_EQ(dynamic.find("INIT"), std::string::npos) << dynamic;
    EXPECT_EQ(dynamic.find("TEXTREL"), std::string::npos) << dynamic;
}

TEST(PreloadLibrary, BeginsInAnIndirectFunction) {
    const std::string relocations = output_of("readelf -rW " + library);
    EXPECT_NE(relocations.find("R_X86_64_IRELATIVE"), std::string::npos) << relocations;
    EXPECT_EQ(relocations.find("R_X86_64_JUMP_SLO"), std::string::npos) << relocations;
    EXPECT_EQ(relocations.find("TPOFF"), std::string::npos) << relocations;
}

TEST(PreloadLibrary, UsesNoVectorRegister) {
    EXPECT_EQ(output_of("objdump -d " + library + " | grep -cE '%[xyz]mm'"), "0\n");
}

}  // namespace
