/** How much memory models may take together, and what each needs. */
@NullMarked
package io.ballast.inference.memory;

import org.jspecify.annotations.NullMarked;
