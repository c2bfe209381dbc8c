/** Builds the safety-server from its parts. */
@NullMarked
package io.ballast.safety.wiring;

import org.jspecify.annotations.NullMarked;
