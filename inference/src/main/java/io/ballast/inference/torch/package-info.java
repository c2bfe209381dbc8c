/** Llama-family decoders on libtorch: load, generate, score, train and save. */
@NullMarked
package io.ballast.inference.torch;

import org.jspecify.annotations.NullMarked;
