/** Servers that are sent anything at all. */
@NullMarked
package io.ballast.testing.fuzz;

import org.jspecify.annotations.NullMarked;
