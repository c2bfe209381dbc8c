/** Tests of the charts. */
@NullMarked
package io.ballast.loadtest.chart;

import org.jspecify.annotations.NullMarked;
