/** The command line behind {@code ./mesh}: parses, calls the mesh over gRPC, prints. */
@NullMarked
package io.ballast.standalone.cli;

import org.jspecify.annotations.NullMarked;
