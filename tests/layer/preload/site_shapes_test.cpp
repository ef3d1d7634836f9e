// The shapes of glibc's system call sites: each is recognised where it is whole, and nothing else
// is.
#include "layer/preload/site_shapes_x86_64.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <vector>

namespace farside::preload {
namespace {

using code = std::vector<unsigned char>;

constexpr std::size_t syscall_at = 80;

bool wants_all(unsigned number) noexcept {
    return number < 512;
}

bool wants_none(unsigned) noexcept {
    return false;
}

// Code with `before` ending where `syscall` begins, and `behind` following it.
code around(
    std::initializer_list<unsigned char> before, std::initializer_list<unsigned char> behind
) {
    code text(160, 0x90);
    std::copy(
        before.begin(), before.end(), text.begin() + syscall_at - static_cast<long>(before.size())
    );
    text[syscall_at] = 0x0f;
    text[syscall_at + 1] = 0x05;
    std::copy(behind.begin(), behind.end(), text.begin() + syscall_at + 2);
    return text;
}

TEST(SiteShapes, RecognisesAnImmediateNumber) {
    const code text = around({0xb8, 0x01, 0x01, 0x00, 0x00}, {0xc3});
    const site found = recognise(text, syscall_at, wants_all);
    EXPECT_EQ(found.how, shape::five_byte_predecessor);
    EXPECT_EQ(found.number, 257U);
}

TEST(SiteShapes, LeavesUnwantedNumbersAlone) {
    const code text = around({0xb8, 0x01, 0x01, 0x00, 0x00}, {0xc3});
    EXPECT_EQ(recognise(text, syscall_at, wants_none).how, shape::none);
}

TEST(SiteShapes, RejectsAnImmediateThatIsNoSystemCallNumber) {
    const code text = around({0xb8, 0x01, 0x01, 0x01, 0x00}, {0xc3});
    EXPECT_EQ(recognise(text, syscall_at, wants_all).how, shape::none);
}

TEST(SiteShapes, RecognisesTheCancellableHelpers) {
    for (const auto& before :
         {code{0x48, 0x8b, 0x44, 0x24, 0x10}, code{0x4c, 0x89, 0x5c, 0x24, 0x08}}) {
        code text = around({}, {0xc3});
        std::copy(before.begin(), before.end(), text.begin() + syscall_at - 5);
        const site found = recognise(text, syscall_at, wants_all);
        EXPECT_EQ(found.how, shape::five_byte_predecessor);
        EXPECT_EQ(found.number, cancellable_number);
    }
}

TEST(SiteShapes, RecognisesReadBehindAClearedNumber) {
    const code text = around({0x31, 0xc0}, {0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff});
    const site found = recognise(text, syscall_at, wants_all);
    EXPECT_EQ(found.how, shape::short_jump);
    EXPECT_EQ(found.number, 0U);
    EXPECT_EQ(found.displaced_bytes, 6);
}

TEST(SiteShapes, DisplacesWhereTheNumberIsLoadedEarlier) {
    const code text = around(
        {0xb8, 0x09, 0x00, 0x00, 0x00, 0x4d, 0x89, 0xca}, {0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff}
    );
    const site found = recognise(text, syscall_at, wants_all);
    EXPECT_EQ(found.how, shape::displaced);
    EXPECT_EQ(found.number, 9U);
    EXPECT_EQ(recognise(text, syscall_at, wants_none).how, shape::none);
}

TEST(SiteShapes, DisplacesWhereTheNumberComesFromAnotherRegister) {
    const code by_esi = around(
        {0xbe, 0xe7, 0x00, 0x00, 0x00, 0xba, 0x3c, 0x00, 0x00, 0x00, 0x89, 0xf0},
        {0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff}
    );
    EXPECT_EQ(recognise(by_esi, syscall_at, wants_all).how, shape::displaced);
    EXPECT_EQ(recognise(by_esi, syscall_at, wants_all).number, 231U);
    const code by_edx = around(
        {0xbe, 0xe7, 0x00, 0x00, 0x00, 0xba, 0x3c, 0x00, 0x00, 0x00, 0x89, 0xd0},
        {0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff}
    );
    EXPECT_EQ(recognise(by_edx, syscall_at, wants_all).number, 60U);
}

TEST(SiteShapes, DoesNotDisplaceWhatItCannotMove) {
    const code text = around({0xb8, 0x09, 0x00, 0x00, 0x00, 0x4d, 0x89, 0xca}, {0x74, 0x05});
    EXPECT_EQ(recognise(text, syscall_at, wants_all).how, shape::none);
}

TEST(SiteShapes, NeverLooksOutsideTheText) {
    const code text = around({0xb8, 0x01, 0x01, 0x00, 0x00}, {0xc3});
    for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
        const code cut(text.begin(), text.begin() + static_cast<long>(bytes));
        for (std::size_t at = 0; at < bytes; ++at) {
            static_cast<void>(recognise(cut, at, wants_all));
        }
    }
}

TEST(Padding, IsFoundBehindAReturnWithinAShortJump) {
    code text(400, 0x90);
    text[219] = 0xc3;
    const unsigned char nop[] = {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00};
    std::memcpy(text.data() + 220, nop, sizeof nop);
    EXPECT_EQ(find_padding(text, 200, {}), 220U);
    EXPECT_EQ(find_padding(text, 100, {}), 0U);  // too far for a signed byte
    const std::size_t taken[] = {218};
    EXPECT_EQ(find_padding(text, 200, taken), 0U);
}

TEST(Padding, IsNotFoundWhereCodeFallsIntoIt) {
    code text(400, 0x90);
    const unsigned char nop[] = {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00};
    std::memcpy(text.data() + 220, nop, sizeof nop);
    EXPECT_EQ(find_padding(text, 200, {}), 0U);
}

}  // namespace
}  // namespace farside::preload
