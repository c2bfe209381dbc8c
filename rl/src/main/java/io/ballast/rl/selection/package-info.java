/** Which of the sampled completions are kept, and what keeping them is worth. */
@NullMarked
package io.ballast.rl.selection;

import org.jspecify.annotations.NullMarked;
