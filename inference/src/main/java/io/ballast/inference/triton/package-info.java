/** A client of KServe v2 over gRPC, as Triton speaks it, and what is served through it. */
@NullMarked
package io.ballast.inference.triton;

import org.jspecify.annotations.NullMarked;
