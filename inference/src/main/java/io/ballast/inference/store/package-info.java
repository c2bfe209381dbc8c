/** Model folders on disk: the safetensors format, checksums, names and versions. */
@NullMarked
package io.ballast.inference.store;

import org.jspecify.annotations.NullMarked;
