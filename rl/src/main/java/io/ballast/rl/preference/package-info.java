/** Losses of reward and cost models, and the measures by which they are judged. */
@NullMarked
package io.ballast.rl.preference;

import org.jspecify.annotations.NullMarked;
