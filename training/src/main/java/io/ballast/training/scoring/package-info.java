/** Scoring heads from judgements: features of a frozen trunk, losses, members, figures. */
@NullMarked
package io.ballast.training.scoring;

import org.jspecify.annotations.NullMarked;
