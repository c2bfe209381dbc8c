/** The algorithms of runs side by side, by the gold that they reach on held-out prompts. */
@NullMarked
package io.ballast.standalone.experiment.algorithms;

import org.jspecify.annotations.NullMarked;
