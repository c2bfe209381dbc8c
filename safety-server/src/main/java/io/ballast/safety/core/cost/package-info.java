/** Costs and verdicts: how much harm a completion does, and whether that is too much. */
@NullMarked
package io.ballast.safety.core.cost;

import org.jspecify.annotations.NullMarked;
