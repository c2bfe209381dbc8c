/** Calls of the mesh, and what their answers must be like. */
@NullMarked
package io.ballast.loadtest.call;

import org.jspecify.annotations.NullMarked;
