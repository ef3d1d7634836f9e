// Paths are bytes: the table says what becomes of each, and a slow model of normalising agrees with
// the real one on thousands of random paths.
#include "layer/common/path.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace farside {
namespace {

std::string normal(std::string_view base, std::string_view path) {
    char out[8192];
    const long length = normalise(base, path, out, sizeof out);
    return length < 0 ? "<too long>" : std::string(out, static_cast<std::size_t>(length));
}

std::string joined(std::string_view base, std::string_view path) {
    char out[8192];
    const long length = join(base, path, out, sizeof out);
    return length < 0 ? "<too long>" : std::string(out, static_cast<std::size_t>(length));
}

// Splits, then keeps a list of components.
std::string model(const std::string& base, const std::string& path) {
    std::vector<std::string> kept;
    const std::string all = path.starts_with('/') ? path : base + "/" + path;
    std::string part;
    for (const char c : all + "/") {
        if (c != '/') {
            part += c;
            continue;
        }
        if (part == "..") {
            if (!kept.empty()) {
                kept.pop_back();
            }
        } else if (!part.empty() && part != ".") {
            kept.push_back(part);
        }
        part.clear();
    }
    std::string result;
    for (const std::string& component : kept) {
        result += "/" + component;
    }
    return result.empty() ? "/" : result;
}

TEST(Normalise, FollowsTheTable) {
    struct row {
        const char* base;
        const char* path;
        const char* result;
    };

    const row rows[] = {
        {"/", "a", "/a"},
        {"/w", "", "/w"},
        {"/w", ".", "/w"},
        {"/w", "./a", "/w/a"},
        {"/w", "..", "/"},
        {"/w", "../..", "/"},
        {"/w", "../../x", "/x"},
        {"/w/v", "../x/./y//z/", "/w/x/y/z"},
        {"/w", "/", "/"},
        {"/w", "//", "/"},
        {"/w", "/..", "/"},
        {"/w", "/a/../b", "/b"},
        {"/w", "/a/...", "/a/..."},
        {"/w", "/a/..b", "/a/..b"},
        {"/w", "/a/.b", "/a/.b"},
        {"/w", "/a/b.", "/a/b."},
        {"/w", "/a/b/..", "/a"},
        {"//w/./x/", "y", "/w/x/y"},
        {"/w", "\xff\xfe\n", "/w/\xff\xfe\n"},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(std::string{r.base} + " + " + r.path);
        EXPECT_EQ(normal(r.base, r.path), r.result);
        EXPECT_TRUE(is_normal(r.result));
    }
}

TEST(Normalise, AgreesWithAListOfComponentsOnRandomPaths) {
    std::mt19937 random{1};
    const char alphabet[] = {'/', '/', '.', '.', 'a', 'b'};
    for (int round = 0; round < 20000; ++round) {
        std::string base = "/";
        std::string path;
        for (std::size_t i = random() % 8; i > 0; --i) {
            base += alphabet[random() % sizeof alphabet];
        }
        for (std::size_t i = random() % 12; i > 0; --i) {
            path += alphabet[random() % sizeof alphabet];
        }
        SCOPED_TRACE(base + " + " + path);
        const std::string expected = model(base, path);
        ASSERT_EQ(normal(base, path), expected);
        ASSERT_EQ(normal("/", joined(base, path)), expected);
        ASSERT_EQ(is_normal(path), path.starts_with('/') && path == model("/", path));
    }
}

TEST(Normalise, RefusesWhatDoesNotFitAndWritesNoFurther) {
    for (std::size_t room = 0; room < 8; ++room) {
        std::string out(16, '#');
        const long length = normalise("/ab", "cde", out.data(), room);
        EXPECT_EQ(length, room >= 7 ? 7 : -1) << room;
        EXPECT_EQ(out.find_first_not_of('#', room), std::string::npos) << room;
    }
    char none[1];
    EXPECT_EQ(normalise("/", "/", none, 0), -1);
    EXPECT_EQ(normalise("/", "/", none, 1), 1);
}

TEST(Join, OnlyJoins) {
    EXPECT_EQ(joined("/w", "../a"), "/w/../a");
    EXPECT_EQ(joined("/w/", "a"), "/w/a");
    EXPECT_EQ(joined("/", "a"), "/a");
    EXPECT_EQ(joined("/w", ""), "/w");
    EXPECT_EQ(joined("/w", "/a/"), "/a/");
}

TEST(Join, RefusesWhatDoesNotFit) {
    char out[6];
    EXPECT_EQ(join("/ab", "cd", out, 6), 6);
    EXPECT_EQ(join("/ab", "cd", out, 5), -1);
    EXPECT_EQ(join("/ab", "cd", out, 2), -1);
    EXPECT_EQ(join("/ab", "/cdef", out, 5), 5);
    EXPECT_EQ(join("/ab", "/cdefg", out, 5), -1);
}

TEST(IsNormal, KnowsEveryWayNotToBe) {
    for (const char* path : {"/", "/a", "/a/b", "/.a", "/..a", "/a.", "/...", "/a/.../b"}) {
        EXPECT_TRUE(is_normal(path)) << path;
    }
    for (const char* path :
         {"", "a", "a/b", "//", "/a/", "/a//b", "/.", "/..", "/a/.", "/a/..", "/./a", "/../a"}) {
        EXPECT_FALSE(is_normal(path)) << path;
    }
}

}  // namespace
}  // namespace farside
