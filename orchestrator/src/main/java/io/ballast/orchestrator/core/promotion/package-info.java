/** From the trained weights to a candidate, its safety test, and its promotion or none. */
@NullMarked
package io.ballast.orchestrator.core.promotion;

import org.jspecify.annotations.NullMarked;
