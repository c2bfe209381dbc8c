/** The demo as a client of the mesh: calls over gRPC, translated into records. */
@NullMarked
package io.ballast.standalone.demo.mesh;

import org.jspecify.annotations.NullMarked;
