/** Checksums. */
@NullMarked
package io.ballast.kit.digest;

import org.jspecify.annotations.NullMarked;
