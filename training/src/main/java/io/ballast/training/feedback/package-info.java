/** Judgements from what people did with suggestions, as a log of feedback keeps it. */
@NullMarked
package io.ballast.training.feedback;

import org.jspecify.annotations.NullMarked;
