/**
 * The two-stage display gate: do not generate, or do not show, what will most likely be rejected.
 */
@NullMarked
package io.ballast.rl.gate;

import org.jspecify.annotations.NullMarked;
