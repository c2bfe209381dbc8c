/** Reward ensembles from judgements: grouped, trained, and published as a version that serves. */
@NullMarked
package io.ballast.training.reward;

import org.jspecify.annotations.NullMarked;
