/** Tests of the package. */
@NullMarked
package io.ballast.loadtest.report;

import org.jspecify.annotations.NullMarked;
