/** The reward-server as its callers see it. */
@NullMarked
package io.ballast.reward;

import org.jspecify.annotations.NullMarked;
