/** Fakes of what the reward-server meets. */
@NullMarked
package io.ballast.reward.testing;

import org.jspecify.annotations.NullMarked;
