/** The display gate: what is seen of a place and of a suggestion, and what is decided from it. */
@NullMarked
package io.ballast.safety.core.gate;

import org.jspecify.annotations.NullMarked;
