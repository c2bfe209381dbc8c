/** What each user was shown lately and did with it, at hand when the next decision is taken. */
@NullMarked
package io.ballast.policy.core.history;

import org.jspecify.annotations.NullMarked;
