/** Looks for likely completions instead of drawing one. Plain Java over any model. */
@NullMarked
package io.ballast.inference.search;

import org.jspecify.annotations.NullMarked;
