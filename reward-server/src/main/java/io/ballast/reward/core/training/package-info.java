/** Trains ensembles in the background: one at a time, from uploaded judgements or from feedback. */
@NullMarked
package io.ballast.reward.core.training;

import org.jspecify.annotations.NullMarked;
