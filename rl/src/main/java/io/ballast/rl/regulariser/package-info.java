/** What keeps a policy near its reference and away from collapse. */
@NullMarked
package io.ballast.rl.regulariser;

import org.jspecify.annotations.NullMarked;
