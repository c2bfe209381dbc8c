/** Builds the reward-server from its parts. */
@NullMarked
package io.ballast.reward.wiring;

import org.jspecify.annotations.NullMarked;
