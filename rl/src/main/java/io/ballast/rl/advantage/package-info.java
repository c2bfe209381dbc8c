/** How much better than expected a completion or a token did, and by whose expectation. */
@NullMarked
package io.ballast.rl.advantage;

import org.jspecify.annotations.NullMarked;
