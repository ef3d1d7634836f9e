// Writes the seeds of the fuzz targets, the same on every machine: make_corpus fuzz/corpus
#include "fuzz/corpus_writer.hpp"

#include <cstdio>

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: make_corpus FOLDER\n", stderr);
        return 2;
    }
    farside::corpus_writer out{arguments[1]};
    farside::add_protocol_seeds(out);
    farside::add_layer_seeds(out);
    if (!out.complete()) {
        std::fputs("make_corpus: not every file could be written\n", stderr);
    }
    return out.complete() ? 0 : 1;
}
