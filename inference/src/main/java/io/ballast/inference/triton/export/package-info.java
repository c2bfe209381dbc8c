/** Writes our models as entries of a Triton model repository. */
@NullMarked
package io.ballast.inference.triton.export;

import org.jspecify.annotations.NullMarked;
