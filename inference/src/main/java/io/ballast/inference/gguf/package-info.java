/** Reads GGUF files and writes what they hold as Hugging Face folders. */
@NullMarked
package io.ballast.inference.gguf;

import org.jspecify.annotations.NullMarked;
