/** Says how far a long piece of work is. */
@NullMarked
package io.ballast.workshop.progress;

import org.jspecify.annotations.NullMarked;
