/** Trains the display gate's two models from labelled suggestions. */
@NullMarked
package io.ballast.workshop.gate;

import org.jspecify.annotations.NullMarked;
