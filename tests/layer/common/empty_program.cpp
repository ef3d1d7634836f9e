// A program that does nothing: only how it is linked matters.
int main() {}
