/** Tests of the package. */
@NullMarked
package io.ballast.loadtest.scenario;

import org.jspecify.annotations.NullMarked;
