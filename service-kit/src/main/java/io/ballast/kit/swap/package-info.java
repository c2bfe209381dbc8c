/** Which versions serve, as operators say it while servers run. */
@NullMarked
package io.ballast.kit.swap;

import org.jspecify.annotations.NullMarked;
