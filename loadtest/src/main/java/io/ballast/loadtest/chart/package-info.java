/** Draws charts as SVG, for pages and as files. */
@NullMarked
package io.ballast.loadtest.chart;

import org.jspecify.annotations.NullMarked;
