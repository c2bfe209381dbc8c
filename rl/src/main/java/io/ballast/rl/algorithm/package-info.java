/** What an algorithm is put together from, as data: parts, what goes with what, and presets. */
@NullMarked
package io.ballast.rl.algorithm;

import org.jspecify.annotations.NullMarked;
