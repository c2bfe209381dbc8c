/** Loads a mesh as a scenario says, and measures the generator itself. */
@NullMarked
package io.ballast.loadtest.run;

import org.jspecify.annotations.NullMarked;
