/** The price of harm: multipliers, pessimistic bounds and the returns that they enter. */
@NullMarked
package io.ballast.rl.constraint;

import org.jspecify.annotations.NullMarked;
