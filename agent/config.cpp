// CLI11 does the parsing; every mistake becomes one line.
#include "agent/config.hpp"

#include "agent/version.hpp"
#include "protocol/limits.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

namespace farside::agent {
namespace {

or_failure<std::variant<config, information>> checked(config parsed) {
    if (parsed.stdio == !parsed.listen.empty()) {
        return failure{"give either --stdio or --listen"};
    }
    if (parsed.stdio && !parsed.token_file.empty()) {
        return failure{"--token-file goes with --listen: on --stdio nobody else can come in"};
    }
    const bool tcp = !parsed.stdio && !parsed.listen.starts_with("unix:");
    if (tcp && parsed.token_file.empty()) {
        return failure{"--listen on TCP needs --token-file: any local user can connect"};
    }
    return std::variant<config, information>{std::move(parsed)};
}

}  // namespace

or_failure<std::variant<config, information>> parse_command_line(
    int argc, const char* const* argv
) {
    const std::map<std::string, log_level> levels{
        {"error", log_level::error},
        {"warn", log_level::warn},
        {"info", log_level::info},
        {"debug", log_level::debug},
    };
    config parsed;
    CLI::App app{"Serves a container's files to farside sessions", "farside-agent"};
    app.set_version_flag("--version", std::string{"farside-agent "} + version);
    app.add_flag("--stdio", parsed.stdio, "Serve one client on standard input and output");
    app.add_option("--listen", parsed.listen, "Serve clients at unix:PATH or HOST:PORT");
    app.add_option("--token-file", parsed.token_file, "Clients must know this file's content");
    app.add_option("--target", parsed.target, "docker/NAME-or-ID, pid/N or dir/PATH")->required();
    app.add_option("--log-level", parsed.level, "error, warn (default), info or debug")
        ->transform(CLI::CheckedTransformer(levels));
    bool no_spin = false;
    app.add_flag("--no-spin", no_spin, "Sleep at once; for processors that are scarce");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return std::variant<config, information>{information{app.help()}};
    } catch (const CLI::CallForVersion& e) {
        return std::variant<config, information>{information{std::string{e.what()} + "\n"}};
    } catch (const CLI::ParseError& e) {
        return failure{std::string{e.what()} + "; see farside-agent --help"};
    }
    parsed.spin = !no_spin;
    return checked(std::move(parsed));
}

or_failure<std::string> read_token(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return failure{"the token file " + path + " cannot be read: " + std::strerror(errno)};
    }
    // One byte more than allowed, so that what is too long shows.
    constexpr std::size_t room = protocol::limits::token_bytes_max + 3;
    std::string token(room, '\0');
    file.read(token.data(), static_cast<std::streamsize>(room));
    if (file.bad()) {
        return failure{"the token file " + path + " cannot be read"};
    }
    token.resize(static_cast<std::size_t>(file.gcount()));
    if (token.ends_with('\n')) {
        token.pop_back();
    }
    if (token.ends_with('\r')) {
        token.pop_back();
    }
    if (token.empty()) {
        return failure{"the token file " + path + " is empty"};
    }
    if (token.size() > protocol::limits::token_bytes_max) {
        return failure{
            "the token in " + path + " is longer than " +
            std::to_string(protocol::limits::token_bytes_max) + " bytes"};
    }
    return or_failure<std::string>{boost::system::in_place_value, std::move(token)};
}

}  // namespace farside::agent
