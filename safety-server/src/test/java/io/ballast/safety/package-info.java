/** The safety-server as its callers see it. */
@NullMarked
package io.ballast.safety;

import org.jspecify.annotations.NullMarked;
