#include "driver/Driver.h"

int main(int argc, char **argv) { return acadlc::driver::runMain(argc, argv); }
