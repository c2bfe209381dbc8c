/** Draws charts as SVG, for pages and as files. */
@NullMarked
package io.ballast.standalone.chart;

import org.jspecify.annotations.NullMarked;
