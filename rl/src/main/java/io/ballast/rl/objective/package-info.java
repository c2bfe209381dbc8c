/** Losses that return their value and their gradient with respect to the numbers of each token. */
@NullMarked
package io.ballast.rl.objective;

import org.jspecify.annotations.NullMarked;
