/** Trains the byte-level BPE tokenizer of the default models. */
@NullMarked
package io.ballast.workshop.tokenizer;

import org.jspecify.annotations.NullMarked;
