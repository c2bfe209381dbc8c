/** What every algorithm reads: completions with named numbers, in groups, in a batch. */
@NullMarked
package io.ballast.rl.sample;

import org.jspecify.annotations.NullMarked;
