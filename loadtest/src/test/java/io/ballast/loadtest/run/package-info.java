/** Tests of the package. */
@NullMarked
package io.ballast.loadtest.run;

import org.jspecify.annotations.NullMarked;
