/** The console's questions to the servers, over gRPC, and their answers as JSON. */
@NullMarked
package io.ballast.console.grpc;

import org.jspecify.annotations.NullMarked;
