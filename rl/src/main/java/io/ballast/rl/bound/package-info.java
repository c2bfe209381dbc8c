/** Confidence bounds of means and proportions, and the safety test that rests on them. */
@NullMarked
package io.ballast.rl.bound;

import org.jspecify.annotations.NullMarked;
