/**
 * Moments, running averages and alarms: what is known of numbers seen so far, as immutable values.
 */
@NullMarked
package io.ballast.rl.stats;

import org.jspecify.annotations.NullMarked;
