/** Trains the default decoder from nothing but the corpus. */
@NullMarked
package io.ballast.workshop.pretrain;

import org.jspecify.annotations.NullMarked;
