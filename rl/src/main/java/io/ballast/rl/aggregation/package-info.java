/** One conservative number from the scores of an ensemble. */
@NullMarked
package io.ballast.rl.aggregation;

import org.jspecify.annotations.NullMarked;
