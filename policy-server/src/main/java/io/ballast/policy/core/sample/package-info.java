/** What trainers need: completions with log-probabilities, and log-probabilities of completions. */
@NullMarked
package io.ballast.policy.core.sample;

import org.jspecify.annotations.NullMarked;
