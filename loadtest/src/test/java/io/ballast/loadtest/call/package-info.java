/** Tests of the package. */
@NullMarked
package io.ballast.loadtest.call;

import org.jspecify.annotations.NullMarked;
