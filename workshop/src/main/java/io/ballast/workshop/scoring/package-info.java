/** Trains reward and cost heads on labelled suggestions, and writes the folders that serve. */
@NullMarked
package io.ballast.workshop.scoring;

import org.jspecify.annotations.NullMarked;
