/** What a policy would have earned, from the log of another. */
@NullMarked
package io.ballast.rl.bandit;

import org.jspecify.annotations.NullMarked;
